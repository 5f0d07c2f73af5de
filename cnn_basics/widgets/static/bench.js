// The architecture bench: one native table row per layer, with controls; Python traces the network.

const OWN = "your own";
const COLUMNS = ["layer", "kind", "settings", "output shape", "parameters", "multiply-adds", "receptive field"];

/** A table cell that says what it holds, where the table has become a list of cards. */
const cell = (label, style = null) => element("td", { class: style, "data-label": label });

/** The names of layers, as Python gives them: `conv1`, `relu1`, `conv2`. */
function nameLayers(layers, names) {
  const seen = {};
  return layers.map(({ kind }) => `${names[kind]}${(seen[names[kind]] = (seen[names[kind]] ?? 0) + 1)}`);
}

/** A field for a whole number with its visible label; empty means "auto" where that is allowed. */
function numberField(life, { layerName, name, limits: [min, max], automatic, onInput }) {
  const input = element("input", { type: "number", min, max, step: 1, "data-what": name, "aria-label": `${name} of ${layerName}` });
  const node = element("label", { class: "cb-setting" }, element("span", {}, name), input);
  const empty = automatic ? "auto" : null;
  life.listen(input, "input", () => onInput(input.value === "" ? empty : Number(input.value)));
  const set = (value, found) => {
    input.placeholder = found === undefined ? (value === "auto" ? "auto" : "") : `auto ${found}`;
    const text = typeof value === "number" ? String(value) : "";
    const typing = document.activeElement === input && (text === "" || Number(input.value) === value);
    if (!typing && input.value !== text) input.value = text;
  };
  return { node, set };
}

/**
 * One row, for a layer of this kind and name. `act` tells what to do: `change(at, changes)`,
 * `retype(at, kind)`, `move(at, by)`, `drop(at)`.
 */
function layerRow(life, { at, name, kind, last, defaults, limits, act }) {
  const options = Object.keys(defaults).map((text) => element("option", { value: text }, text));
  const kinds = element("select", { "data-what": "kind", "aria-label": `kind of ${name}` }, ...options);
  kinds.value = kind;
  life.listen(kinds, "change", () => act.retype(at, kinds.value));
  const fields = Object.entries(defaults[kind]).map(([argument, value]) => [argument, numberField(life, {
    layerName: name, name: argument, limits: limits[argument], automatic: value === "auto",
    onInput: (number) => act.change(at, { [argument]: number }) })]);
  const sign = (text, what, title, off, onClick) => {
    const { node } = button(life, { label: text, title, onClick });
    for (const [key, value] of Object.entries({ "data-what": what, "aria-label": title })) node.setAttribute(key, value);
    node.disabled = off;
    return node;
  };
  const signs = [
    sign("↑", "up", `move ${name} up`, at === 0, () => act.move(at, -1)),
    sign("↓", "down", `move ${name} down`, last, () => act.move(at, 1)),
    sign("✕", "drop", `drop ${name}`, false, () => act.drop(at)),
  ];
  const cells = {
    output: cell("output shape", "cb-left"),
    parameters: cell("parameters", "cb-share"),
    multiply_adds: cell("multiply-adds"),
    field: cell("receptive field"),
  };
  const settings = element("div", { class: "cb-flow cb-settings" }, ...fields.map(([, field]) => field));
  const node = element("tr", { "data-row": at },
    element("th", { scope: "row" }, name),
    element("td", { class: "cb-left" }, kinds),
    element("td", { class: "cb-left cb-wide" }, ...(fields.length ? [settings] : [])), ...Object.values(cells),
    element("td", {}, ...signs));
  return {
    node,
    name,
    setLayer: (layer, found) => fields.forEach(([argument, field]) => field.set(layer[argument], found?.[argument])),
    setTraced(traced, broken) {
      node.classList.toggle("cb-broken", broken);
      for (const [key, shown] of Object.entries(cells)) shown.textContent = traced[key] ?? "–";
      cells.parameters.style.setProperty("--cb-part", `${100 * (traced.share ?? 0)}%`);
    },
  };
}

/** The table around the rows, and the row under the layer at fault that says what is wrong. */
function benchTable(inputShape) {
  const head = (text, k) => element("th", { scope: "col", class: k < 4 ? "cb-left" : null }, text);
  const buttons = element("th", { scope: "col" }, element("span", { class: "cb-unseen-text" }, "move or drop"));
  const body = element("tbody");
  const total = { parameters: cell("parameters"), multiply_adds: cell("multiply-adds") };
  const [shape, field] = [cell("shape", "cb-left"), cell("receptive field")];
  shape.textContent = `(N, ${inputShape.join(", ")})`;
  field.textContent = "1×1";
  const none = () => element("td");
  const row = (name, ...cells) => element("tr", {}, element("th", { scope: "row" }, name), ...cells);
  const table = element("table", { class: "cb-table" },
    element("caption", {}, "The network, layer by layer, for one picture; “auto” takes what the layer above gives, and a number typed there replaces it"),
    element("thead", {}, element("tr", {}, ...COLUMNS.map(head), buttons)),
    element("tbody", {}, row("input", none(), none(), shape, none(), none(), field, none())), body,
    element("tfoot", {}, row("total", none(), none(), none(), ...Object.values(total), none(), none())));
  const text = element("div", { class: "cb-alert", role: "alert" });
  const fault = element("tr", { class: "cb-fault" }, element("td", { class: "cb-left", colspan: 8 }, text));
  /** Say a sentence under a row, or above all rows, or say nothing. */
  const showFault = (row, sentence) => {
    if (!sentence) return fault.remove();
    if (text.textContent !== sentence) text.textContent = sentence;
    const before = row ? row.nextSibling : body.firstChild;
    if (before !== fault) body.insertBefore(fault, before);
  };
  return { node: element("div", { class: "cb-scroll" }, table), body, total, showFault };
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Architecture bench", "cb-bench");
  const [defaults, limits] = [model.get("defaults"), model.get("limits")];
  const table = benchTable(model.get("input_shape"));
  const news = liveText();
  const code = element("pre", { class: "cb-code" });
  const details = element("details", {}, element("summary", {}, "The network as code"), code);
  let rows = [];
  let built = ""; // the kinds of the layers that the rows are made for
  let part = lifetime();

  const layers = () => model.get("layers");
  const put = (changed) => setTraits(model, { layers: changed });
  const newLayer = (kind) => ({ kind, ...defaults[kind] });
  const focusOn = (at, what) => {
    const row = rows[Math.min(at, rows.length - 1)]?.node;
    const wanted = row?.querySelector(`[data-what="${what}"]`);
    const instead = row?.querySelector('[data-what="drop"]') ?? add.node;
    (wanted && !wanted.disabled ? wanted : instead).focus();
  };
  const act = {
    change: (at, changes) => put(layers().with(at, { ...layers()[at], ...changes })),
    retype(at, kind) {
      put(layers().with(at, newLayer(kind)));
      focusOn(at, "kind");
    },
    move(at, by) {
      const moved = [...layers()];
      moved.splice(at + by, 0, ...moved.splice(at, 1));
      put(moved);
      focusOn(at + by, by < 0 ? "up" : "down");
    },
    drop(at) {
      put(layers().filter((_, k) => k !== at));
      focusOn(at, "drop");
    },
  };

  const presets = select(life, { label: "network", value: "", options: [...Object.keys(model.get("presets")), OWN],
    onInput: (name) => (name === OWN ? update() : put(model.get("presets")[name])) });
  const kind = select(life, { label: "new layer", value: "ReLU", options: Object.keys(defaults), onInput() {} });
  const add = button(life, { label: "Add at the end", onClick: () => put([...layers(), newLayer(kind.input.value)]) });

  const build = () => {
    part.end();
    part = lifetime();
    const names = nameLayers(layers(), model.get("names"));
    rows = layers().map((layer, at) => layerRow(part, { at, name: names[at], kind: layer.kind,
      last: at === layers().length - 1, defaults, limits, act }));
    table.body.replaceChildren(...rows.map(({ node }) => node));
  };
  const update = () => {
    const kinds = layers().map((layer) => layer.kind).join();
    if (kinds !== built) build();
    built = kinds;
    const same = ([, preset]) => JSON.stringify(preset) === JSON.stringify(layers());
    presets.set(Object.entries(model.get("presets")).find(same)?.[0] ?? OWN);
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
    for (const [key, shown] of Object.entries(table.total)) shown.textContent = traced[key];
    table.showFault(rows[traced.fault]?.node, traced.sentence);
    news.say(traced.sentence ? "" : `The network works: ${traced.parameters} parameters, ` +
      `${traced.multiply_adds} multiply-adds for one picture.`);
    details.hidden = traced.fault !== null;
    code.textContent = traced.code;
  };

  root.append(controlsRow(presets, kind, add), table.node, news.node, details);
  life.follow(model, ["layers"], update);
  life.follow(model, ["traced"], showTraced);
  life.atEnd(() => part.end());
  update();
  return life.end;
}

export default { render };
