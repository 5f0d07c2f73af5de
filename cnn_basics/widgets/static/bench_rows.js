// The rows of the architecture bench: one native table row per layer, and its controls.

/** A field for a whole number with its visible label; empty means "auto" where that is allowed. */
function numberField({ layerName, name, limits }) {
  const input = element("input", {
    type: "number", min: limits[0], max: limits[1], step: 1,
    "data-what": name, "aria-label": `${name} of ${layerName}`,
  });
  const node = element("label", { class: "cb-setting" }, element("span", {}, name), input);
  const set = (value, automatic) => {
    input.placeholder = automatic === undefined ? (value === "auto" ? "auto" : "") : `auto ${automatic}`;
    const text = typeof value === "number" ? String(value) : "";
    const typing = document.activeElement === input && (text === "" || Number(input.value) === value);
    if (!typing && input.value !== text) input.value = text;
  };
  return { node, input, set };
}

/** A small button with a sign, named for screen readers and in a tooltip. */
function signButton(sign, what, name) {
  return element("button", { type: "button", class: "cb-button cb-sign", "data-what": what,
    "aria-label": name, title: name }, sign);
}

/** What a number field holds: a number, or "auto" or null where it is empty. */
function readField(input, automatic) {
  if (input.value === "") return automatic ? "auto" : null;
  return Number(input.value);
}

/** A drop-down list of the kinds of layers. */
function kindSelect(kinds, attributes) {
  const options = kinds.map((kind) => element("option", { value: kind }, kind));
  return element("select", attributes, ...options);
}

/**
 * One row, for a layer of this kind and name. `act` tells what to do: `change(row, layer)`,
 * `retype(row, kind)`, `move(row, by)`, `drop(row)`. Listeners live as long as `life`.
 */
function layerRow(life, { at, name, kind, last, defaults, limits, act }) {
  const kinds = kindSelect(Object.keys(defaults), { "data-what": "kind", "aria-label": `kind of ${name}` });
  kinds.value = kind;
  const fields = Object.keys(defaults[kind]).map((argument) => {
    const field = numberField({ layerName: name, name: argument, limits: limits[argument] });
    const automatic = defaults[kind][argument] === "auto";
    life.listen(field.input, "input", () => act.change(at, { [argument]: readField(field.input, automatic) }));
    return [argument, field];
  });
  const up = signButton("↑", "up", `move ${name} up`);
  const down = signButton("↓", "down", `move ${name} down`);
  const drop = signButton("✕", "drop", `drop ${name}`);
  up.disabled = at === 0;
  down.disabled = last;
  life.listen(kinds, "change", () => act.retype(at, kinds.value));
  life.listen(up, "click", () => act.move(at, -1));
  life.listen(down, "click", () => act.move(at, 1));
  life.listen(drop, "click", () => act.drop(at));

  const cell = (label, style = null) => element("td", { class: style, "data-label": label });
  const cells = {
    output: cell("output shape", "cb-left"),
    parameters: cell("parameters", "cb-share"),
    multiply_adds: cell("multiply-adds"),
    field: cell("receptive field"),
  };
  const nodes = fields.map(([, field]) => field.node);
  const settings = element("td", { class: "cb-left cb-wide" },
    ...(nodes.length ? [element("div", { class: "cb-settings" }, ...nodes)] : []));
  const node = element("tr", { "data-row": at },
    element("th", { scope: "row" }, name),
    element("td", { class: "cb-left cb-kind" }, kinds),
    settings, ...Object.values(cells),
    element("td", { class: "cb-signs" }, up, down, drop));
  return {
    node,
    name,
    setLayer: (layer, automatic) => fields.forEach(([argument, field]) => field.set(layer[argument], automatic?.[argument])),
    setTraced(traced, broken) {
      node.classList.toggle("cb-broken", broken);
      for (const [key, shown] of Object.entries(cells)) shown.textContent = traced?.[key] ?? "–";
      cells.parameters.style.setProperty("--cb-part", `${100 * (traced?.share ?? 0)}%`);
    },
  };
}

/** The row under the layer at fault, with the sentence that says what is wrong. */
function faultRow() {
  const text = element("div", { class: "cb-alert", role: "alert" });
  const node = element("tr", { class: "cb-fault" }, element("td", { class: "cb-left", colspan: 8 }, text));
  return {
    node,
    /** Stand behind `row` with a sentence, or go. */
    show(row, body, sentence) {
      if (!sentence) return node.remove();
      if (text.textContent !== sentence) text.textContent = sentence;
      if (row ? row.nextSibling !== node : body.firstChild !== node) row ? row.after(node) : body.prepend(node);
    },
  };
}
