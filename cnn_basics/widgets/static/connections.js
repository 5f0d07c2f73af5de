// Fully connected against convolution: the inputs that one output reads light up in both layers.

const wholeNumber = new Intl.NumberFormat("en-US");

/** The places of a square with `side` rows, from a corner on, in reading order. */
function squareFrom(row, column, side) {
  const places = Array.from({ length: side * side }, (_, k) => [Math.floor(k / side), k % side]);
  return places.map(([r, c]) => [row + r, column + c]);
}

/** Which inputs an output reads and by which weights, for both kinds of layer. */
const layerKinds = [
  {
    name: "Fully connected",
    code: ({ counts }) => `nn.Linear(${counts.inputs}, ${counts.outputs})`,
    reads: ({ size }) => squareFrom(0, 0, size),
    feeds: ({ side }) => squareFrom(0, 0, side),
    weight: ({ size, side }, unit, k) => String((unit[0] * side + unit[1]) * size * size + k + 1),
    note: (first, last) => `its own weights ${first} to ${last}; no other output uses them`,
  },
  {
    name: "Convolution",
    code: ({ kernel, kernels }) => `nn.Conv2d(1, ${kernels}, kernel_size=${kernel})`,
    reads: ({ kernel }, unit) => squareFrom(unit[0], unit[1], kernel),
    feeds: ({ kernel, side }, pixel) =>
      squareFrom(pixel[0] - kernel + 1, pixel[1] - kernel + 1, kernel).filter((place) =>
        place.every((n) => n >= 0 && n < side)),
    weight: ({ letters }, unit, k) => letters[k],
    note: (first, last) =>
      first === last
        ? `the one weight ${first}, the same for every output`
        : `the weights ${first} to ${last}, the same for every output`,
  },
];

/** One layer: its input and its output as grids, and a sentence about the chosen cell. */
function layerSide(life, kind, act) {
  const input = grid(life, {
    label: `${kind.name}: input`,
    onHover: (row, column) => act.point({ pixel: [row, column] }),
    onLeave: () => act.point(null),
    onChoose: (row, column) => act.choose({ pixel: [row, column] }),
  });
  const output = grid(life, {
    label: `${kind.name}: output`,
    onHover: (row, column) => act.point({ unit: [row, column] }),
    onLeave: () => act.point(null),
    onChoose: (row, column) => act.choose({ unit: [row, column] }),
  });
  const arrow = element("span", { class: "cb-arrow", "aria-hidden": "true" }, "→");
  const code = element("code", {});
  const said = liveText();
  const pair = element("div", { class: "cb-pair" }, input.node, arrow, output.node);
  const head = element("h4", { class: "cb-head" }, `${kind.name}: `, code);
  const node = element("section", { class: "cb-side", "aria-label": kind.name }, head, pair, said.node);
  return { node, draw: (state, shown) => drawSide(kind, { input, output, code, said }, state, shown) };
}

/** Show one layer with an output (`shown.unit`) or an input (`shown.pixel`) lit up. */
function drawSide(kind, parts, state, shown) {
  const { size, side, counts } = state;
  const read = shown.unit ? kind.reads(state, shown.unit) : [];
  const fed = shown.pixel ? kind.feeds(state, shown.pixel) : [];
  const names = new Map(read.map((place, k) => [place.join(), kind.weight(state, shown.unit, k)]));
  const fits = kind.name === "Convolution" || size <= 8;
  const inputCell = (r, c) => {
    const weight = names.get(`${r},${c}`);
    const label = `input row ${r}, column ${c}` + (weight ? `, weight ${weight}` : "");
    return { text: fits && weight ? weight : "", label, tint: weight ? -0.5 : 0 };
  };
  const outputCell = (r, c) => ({ text: "", label: `output row ${r}, column ${c}` });
  const square = (n, cell) =>
    Array.from({ length: n }, (_, r) => Array.from({ length: n }, (_, c) => cell(r, c)));
  const maps = state.kernels > 1 ? `, first of ${state.kernels} maps` : "";
  parts.input.draw(square(size, inputCell), { title: `input ${size}×${size}` });
  parts.output.draw(square(side, outputCell), { title: `output ${side}×${side}${maps}` });
  parts.input.mark("lit", read);
  parts.input.mark("active", shown.pixel ? [shown.pixel] : []);
  parts.output.mark("lit", fed);
  parts.output.mark("active", shown.unit ? [shown.unit] : []);
  if (shown.unit) parts.output.setHome(...shown.unit);
  parts.code.textContent = kind.code(state);
  parts.said.say(sentenceAbout(kind, state, shown, { read, fed, names: [...names.values()] }));
}

/** What the chosen cell reads or feeds, in words. */
function sentenceAbout(kind, { counts }, shown, { read, fed, names }) {
  if (shown.pixel) {
    const [count, all] = [fed.length, counts.outputs / counts.biases];
    const part = count === all ? `all ${all}` : `${count} of ${all}`;
    return `Input (${shown.pixel.join(", ")}) feeds ${part} outputs of a map.`;
  }
  const part = read.length === counts.inputs ? `all ${counts.inputs}` : `${read.length} of ${counts.inputs}`;
  return `Output (${shown.unit.join(", ")}) reads ${part} inputs, with ${kind.note(names[0], names.at(-1))}.`;
}

/** The table of both layers' sizes, for the drawn picture and for photos. */
function countsTable() {
  const heads = ["picture", "outputs", "fully connected", "convolution", "times", "connections"];
  const notes = ["", "", "weights + biases", "weights + biases", "as many", "of the convolution"];
  const head = (text, k) =>
    element("th", { scope: "col" }, text, element("span", { class: "cb-note" }, notes[k] && ` ${notes[k]}`));
  const body = element("tbody");
  const node = element(
    "div",
    { class: "cb-scroll", role: "region", tabindex: "0", "aria-label": "What both layers learn" },
    element("table", { class: "cb-table" },
      element("caption", {}, "What both layers learn"),
      element("thead", {}, element("tr", {}, ...heads.map(head))), body),
  );
  const sum = (a, b) => `${wholeNumber.format(a)} + ${wholeNumber.format(b)} = ${wholeNumber.format(a + b)}`;
  const row = (size, found) =>
    element("tr", {},
      element("th", { scope: "row" }, `${size}×${size}`),
      element("td", {}, wholeNumber.format(found.outputs)),
      element("td", {}, sum(found.full_weights, found.full_biases)),
      element("td", {}, sum(found.weights, found.biases)),
      element("td", {}, `${wholeNumber.format(found.times)}×`),
      element("td", {}, wholeNumber.format(found.connections)));
  return { node, fill: (rows) => body.replaceChildren(...rows.map(([size, found]) => row(size, found))) };
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Fully connected against convolution");
  let chosen = { unit: model.get("unit") };
  let pointed = null;

  const readState = () => {
    const [size, asked, kernels] = ["size", "kernel_size", "kernels"].map((name) => model.get(name));
    const kernel = Math.min(asked, size); // the input may have shrunk a moment before the kernel
    const counts = (n) => model.get("counts")[`${n} ${kernel} ${kernels}`];
    const letters = model.get("letters");
    return { size, kernel, kernels, side: size - kernel + 1, letters, counts: counts(size), countsAt: counts };
  };
  const show = () => {
    const state = readState();
    const [place, count] = chosen.unit ? [chosen.unit, state.side] : [chosen.pixel, state.size];
    const kept = place.map((n) => Math.min(n, count - 1));
    chosen = chosen.unit ? { unit: kept } : { pixel: kept };
    for (const side of sides) side.draw(state, pointed ?? chosen);
  };
  const act = {
    point(place) {
      pointed = place;
      show();
    },
    choose(place) {
      chosen = place;
      pointed = null;
      if (place.unit) setTraits(model, { unit: place.unit });
      show();
    },
  };
  const sides = layerKinds.map((kind) => layerSide(life, kind, act));
  const table = countsTable();

  const resize = (changes) => {
    const size = changes.size ?? model.get("size");
    const kernel = Math.min(changes.kernel_size ?? model.get("kernel_size"), size);
    const unit = model.get("unit").map((n) => Math.min(n, size - kernel));
    setTraits(model, { ...changes, kernel_size: kernel, unit });
  };
  const bar = (label, name, min, max) =>
    slider(life, { label, min, max, value: model.get(name), onInput: (n) => resize({ [name]: n }) });
  const sliders = {
    size: bar("input size", "size", 4, 12),
    kernel_size: bar("kernel size", "kernel_size", 1, 5),
    kernels: bar("kernels (output maps)", "kernels", 1, 8),
  };
  const update = () => {
    const { size, countsAt } = readState();
    for (const [name, { set }] of Object.entries(sliders)) set(model.get(name));
    sliders.kernel_size.input.max = Math.min(5, size);
    root.style.setProperty("--cb-size", `${size <= 6 ? 34 : size <= 8 ? 29 : size <= 10 ? 22 : 18}px`);
    table.fill([size, ...model.get("photos")].map((n) => [n, countsAt(n)]));
    show();
  };
  root.classList.add("cb-connections");
  root.append(
    element("div", { class: "cb-controls" }, ...Object.values(sliders).map(({ node }) => node)),
    element("div", { class: "cb-sides-by-side" }, ...sides.map(({ node }) => node)),
    table.node,
  );
  life.follow(model, ["size", "kernel_size", "kernels"], update);
  life.follow(model, ["unit"], () => {
    if (chosen.unit) chosen = { unit: model.get("unit") };
    show();
  });
  update();
  return life.end;
}

export default { render };
