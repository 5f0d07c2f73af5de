// The architecture bench: rows of layers that can be changed; Python traces the network.

const ownNetwork = "your own";

/** The table around the rows. */
function benchTable(inputShape) {
  const heads = ["layer", "kind", "settings", "output shape", "parameters", "multiply-adds", "receptive field"];
  const left = new Set(heads.slice(0, 4));
  const head = (text) => element("th", { scope: "col", class: left.has(text) ? "cb-left" : null }, text);
  const body = element("tbody");
  const total = {
    parameters: element("td", { "data-label": "parameters" }),
    multiply_adds: element("td", { "data-label": "multiply-adds" }),
  };
  const dash = () => element("td", {}, "");
  const input = element("tr", {}, element("th", { scope: "row" }, "input"), dash(), dash(),
    element("td", { class: "cb-left", "data-label": "shape" }, `(N, ${inputShape.join(", ")})`), dash(), dash(),
    element("td", { "data-label": "receptive field" }, "1×1"), dash());
  const table = element("table", { class: "cb-table" },
    element("caption", {}, "The network, layer by layer, for one picture; “auto” takes what the layer above gives, and a number typed there replaces it"),
    element("thead", {}, element("tr", {}, ...heads.map(head),
      element("th", { scope: "col" }, element("span", { class: "cb-unseen-text" }, "move or drop")))),
    element("tbody", {}, input), body,
    element("tfoot", {}, element("tr", {}, element("th", { scope: "row" }, "total"), dash(), dash(), dash(),
      ...Object.values(total), dash(), dash())));
  return { node: element("div", { class: "cb-scroll" }, table), body, total };
}

/** What an edit makes of the list of layers. */
const edits = {
  change: (layers, at, changes) => layers.map((layer, k) => (k === at ? { ...layer, ...changes } : layer)),
  drop: (layers, at) => layers.filter((_, k) => k !== at),
  move(layers, at, by) {
    const moved = [...layers];
    moved.splice(at + by, 0, ...moved.splice(at, 1));
    return moved;
  },
};

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Architecture bench");
  root.classList.add("cb-bench");
  const table = benchTable(model.get("input_shape"));
  const fault = faultRow();
  const news = liveText();
  let rows = [];
  let built = ""; // the kinds of the layers that the rows are made for
  let part = lifetime();

  const layers = () => model.get("layers");
  const put = (changed) => setTraits(model, { layers: changed });
  const focusOn = (at, what) => {
    const row = rows[Math.min(at, rows.length - 1)]?.node;
    const wanted = row?.querySelector(`[data-what="${what}"]`);
    const instead = row?.querySelector('[data-what="drop"]') ?? add.node;
    (wanted && !wanted.disabled ? wanted : instead).focus();
  };
  const act = {
    change: (at, changes) => put(edits.change(layers(), at, changes)),
    retype(at, kind) {
      put(edits.change(layers(), at, null).map((layer, k) => (k === at ? newLayer(kind) : layer)));
      focusOn(at, "kind");
    },
    move(at, by) {
      put(edits.move(layers(), at, by));
      focusOn(at + by, by < 0 ? "up" : "down");
    },
    drop(at) {
      put(edits.drop(layers(), at));
      focusOn(at, "drop");
    },
  };
  const newLayer = (kind) => ({ kind, ...model.get("defaults")[kind] });

  const presets = select(life, { label: "network", value: "", options: [...Object.keys(model.get("presets")), ownNetwork],
    onInput: (name) => (name === ownNetwork ? update() : put(model.get("presets")[name])) });
  const kind = select(life, { label: "new layer", value: "ReLU", options: Object.keys(model.get("defaults")), onInput() {} });
  const add = button(life, { label: "Add at the end", onClick: () => put([...layers(), newLayer(kind.input.value)]) });

  const build = (names) => {
    part.end();
    part = lifetime();
    rows = layers().map((layer, at) => layerRow(part, { at, name: names[at], kind: layer.kind,
      last: at === layers().length - 1, defaults: model.get("defaults"), limits: model.get("limits"), act }));
    table.body.replaceChildren(...rows.map(({ node }) => node));
  };
  const update = () => {
    const kinds = layers().map((layer) => layer.kind).join();
    if (kinds !== built) {
      built = kinds;
      build(nameLayers(layers(), model.get("names")));
    }
    const same = ([, preset]) => JSON.stringify(preset) === JSON.stringify(layers());
    presets.set(Object.entries(model.get("presets")).find(same)?.[0] ?? ownNetwork);
    add.node.disabled = layers().length >= model.get("most");
    showTraced();
  };
  const showTraced = () => {
    const traced = model.get("traced");
    const current = traced.rows.length === rows.length && traced.rows.every((row, k) => row.name === rows[k].name);
    rows.forEach((row, k) => {
      row.setLayer(layers()[k], current ? traced.rows[k].auto : undefined);
      if (current) row.setTraced(traced.rows[k], k === traced.fault);
    });
    if (!current) return; // Python's answer is on its way
    for (const [key, cell] of Object.entries(table.total)) cell.textContent = traced[key];
    const at = traced.fault === null ? null : rows[traced.fault]?.node;
    fault.show(at, table.body, traced.sentence);
    news.say(traced.sentence ? "" : `The network works: ${traced.parameters} parameters, ` +
      `${traced.multiply_adds} multiply-adds for one picture.`);
    code.hidden = traced.fault !== null;
    code.lastChild.textContent = traced.code;
  };
  const code = element("details", {}, element("summary", {}, "The network as code"), element("pre", { class: "cb-code" }));

  root.append(
    element("div", { class: "cb-controls" }, presets.node, kind.node, add.node),
    table.node,
    news.node,
    code,
  );
  life.follow(model, ["layers"], update);
  life.follow(model, ["traced"], showTraced);
  life.atEnd(() => part.end());
  update();
  return life.end;
}

/** The names of layers, as Python gives them: `conv1`, `relu1`, `conv2`. */
function nameLayers(layers, names) {
  const seen = {};
  return layers.map(({ kind }) => `${names[kind]}${(seen[names[kind]] = (seen[names[kind]] ?? 0) + 1)}`);
}

export default { render };
