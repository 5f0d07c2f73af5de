// Fully connected against convolution: the inputs that one output reads light up in both layers.

const PHOTOS = [28, 224]; // of which the table tells without drawing them
const wholeNumber = new Intl.NumberFormat("en-US");

/** What two layers need that turn the same square picture into outputs of the same number. */
function countConnections(size, kernel, kernels) {
  const [inputs, outputs, window] = [size ** 2, kernels * (size - kernel + 1) ** 2, kernel ** 2];
  const times = Math.round(((inputs + 1) * outputs) / (kernels * (window + 1)));
  return { inputs, outputs, times, kernels, weights: kernels * window, connections: outputs * window };
}

/** The places of a square of so many rows, from a corner on, in reading order. */
const squareFrom = (row, column, side) => matrix(side, side, (r, c) => [row + r, column + c]).flat();

/** Which inputs an output reads and by which weights, for both kinds of layer. */
const LAYERS = [
  {
    name: "Fully connected",
    code: ({ inputs, outputs }) => `nn.Linear(${inputs}, ${outputs})`,
    reads: ({ size }) => squareFrom(0, 0, size),
    feeds: ({ side }) => squareFrom(0, 0, side),
    weight: ({ size, side }, [row, column], k) => String((row * side + column) * size * size + k + 1),
    fits: ({ size }) => size <= 8,
    note: (first, last) => `its own weights ${first} to ${last}; no other output uses them`,
  },
  {
    name: "Convolution",
    code: ({ kernel, kernels }) => `nn.Conv2d(1, ${kernels}, kernel_size=${kernel})`,
    reads: ({ kernel }, [row, column]) => squareFrom(row, column, kernel),
    feeds: ({ kernel, side }, [row, column]) =>
      squareFrom(row - kernel + 1, column - kernel + 1, kernel).filter((place) => place.every((n) => n >= 0 && n < side)),
    weight: (state, unit, k) => String.fromCharCode("a".charCodeAt(0) + k),
    fits: () => true,
    note: (first, last) =>
      `the ${first === last ? `one weight ${first}` : `weights ${first} to ${last}`}, the same for every output`,
  },
];

/** One layer: its input and its output as grids, and a sentence about the cell that is lit. */
function layerSide(life, layer, point) {
  const make = (noun, key) => grid(life, { label: `${layer.name}: ${noun}`, point, place: (...at) => ({ [key]: at }) });
  const [input, output] = [make("input", "pixel"), make("output", "unit")];
  const arrow = element("span", { class: "cb-arrow", "aria-hidden": "true" }, "→");
  const code = element("code");
  const said = liveText();
  const node = element("section", { class: "cb-side", "aria-label": layer.name },
    element("h4", { class: "cb-heading" }, `${layer.name}: `, code),
    element("div", { class: "cb-flow cb-pair" }, input, arrow, output), said);

  /** Light up an output (`unit`) with what it reads, or an input (`pixel`) with what it feeds. */
  const draw = (state, { unit, pixel }) => {
    const { size, side, kernels, inputs } = state;
    const read = unit ? layer.reads(state, unit) : [];
    const fed = pixel ? layer.feeds(state, pixel) : [];
    const weights = read.map((_, k) => layer.weight(state, unit, k));
    const named = new Map(read.map((place, k) => [place.join(), weights[k]]));
    const inputCell = (r, c) => {
      const weight = named.get(`${r},${c}`);
      const label = `input row ${r}, column ${c}${weight ? `, weight ${weight}` : ""}`;
      return { text: weight && layer.fits(state) ? weight : "", label, tint: weight ? -0.5 : 0 };
    };
    const outputCell = (r, c) => ({ text: "", label: `output row ${r}, column ${c}` });
    const maps = kernels > 1 ? `, first of ${kernels} maps` : "";
    input.draw(matrix(size, size, inputCell), { title: `input ${size}×${size}` });
    output.draw(matrix(side, side, outputCell), { title: `output ${side}×${side}${maps}` });
    input.mark("lit", read);
    input.mark("active", pixel ? [pixel] : []);
    output.mark("lit", fed);
    output.mark("active", unit ? [unit] : []);
    if (unit) output.setHome(...unit);
    code.textContent = layer.code(state);
    const part = (count, all) => (count === all ? `all ${all}` : `${count} of ${all}`);
    said.say(unit
      ? `Output (${unit.join(", ")}) reads ${part(read.length, inputs)} inputs, with ${layer.note(weights[0], weights.at(-1))}.`
      : `Input (${pixel.join(", ")}) feeds ${part(fed.length, side * side)} outputs of a map.`);
  };
  return { node, draw };
}

/** The table of both layers' sizes, for the drawn picture and for photos. */
function countsTable() {
  const heads = { picture: "", outputs: "", "fully connected": "weights + biases", convolution: "weights + biases",
    times: "as many", connections: "of the convolution" };
  const head = ([text, note]) =>
    element("th", { scope: "col" }, text, element("span", { class: "cb-note" }, note && ` ${note}`));
  const body = element("tbody");
  const caption = "What both layers learn";
  const table = element("table", { class: "cb-table" }, element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...Object.entries(heads).map(head))), body);
  const node = element("div", { class: "cb-scroll", role: "region", tabindex: "0", "aria-label": caption }, table);
  const sum = (a, b) => `${wholeNumber.format(a)} + ${wholeNumber.format(b)} = ${wholeNumber.format(a + b)}`;
  const row = (size, { inputs, outputs, weights, kernels, times, connections }) => {
    const cells = [wholeNumber.format(outputs), sum(inputs * outputs, outputs), sum(weights, kernels),
      `${wholeNumber.format(times)}×`, wholeNumber.format(connections)];
    return element("tr", {}, element("th", { scope: "row" }, `${size}×${size}`), ...cells.map((text) => element("td", {}, text)));
  };
  return { node, fill: (rows) => body.replaceChildren(...rows.map((found) => row(...found))) };
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Fully connected against convolution", "cb-connections");
  let chosen = { unit: model.get("unit") };

  const readState = () => {
    const [size, asked, kernels] = ["size", "kernel_size", "kernels"].map((name) => model.get(name));
    const kernel = Math.min(asked, size); // the input may have shrunk a moment before the kernel
    return { size, kernel, side: size - kernel + 1, ...countConnections(size, kernel, kernels) };
  };
  const point = pointing({
    chosen: () => chosen,
    choose: (place) => {
      chosen = place;
      if (place.unit) setTraits(model, { unit: place.unit });
    },
    show: (place) => {
      const state = readState();
      const inside = (cell, count) => cell && cell.map((n) => Math.min(n, count - 1));
      const shown = { unit: inside(place.unit, state.side), pixel: inside(place.pixel, state.size) };
      for (const side of sides) side.draw(state, shown);
    },
  });
  const sides = LAYERS.map((layer) => layerSide(life, layer, point));
  const table = countsTable();

  const resize = (name) => (value) => {
    const { size, kernel_size, unit } = { size: model.get("size"), kernel_size: model.get("kernel_size"),
      unit: model.get("unit"), [name]: value };
    const kernel = Math.min(kernel_size, size);
    setTraits(model, { [name]: value, kernel_size: kernel, unit: unit.map((n) => Math.min(n, size - kernel)) });
  };
  const bar = (label, name, min, max) =>
    slider(life, { label, min, max, value: model.get(name), onInput: resize(name) });
  const sliders = {
    size: bar("input size", "size", 4, 12),
    kernel_size: bar("kernel size", "kernel_size", 1, 5),
    kernels: bar("kernels (output maps)", "kernels", 1, 8),
  };
  const update = () => {
    const { size, kernel, kernels } = readState();
    sliders.kernel_size.input.max = Math.min(5, size);
    for (const [name, { set }] of Object.entries(sliders)) set(model.get(name));
    root.style.setProperty("--cb-size", `${size <= 6 ? 34 : size <= 8 ? 29 : size <= 10 ? 22 : 18}px`);
    table.fill([size, ...PHOTOS].map((n) => [n, countConnections(n, kernel, kernels)]));
    point.update();
  };
  root.append(
    controlsRow(...Object.values(sliders)),
    element("div", { class: "cb-flow" }, ...sides),
    table.node,
  );
  life.follow(model, ["size", "kernel_size", "kernels"], update);
  life.follow(model, ["unit"], () => {
    if (chosen.unit) chosen = { unit: model.get("unit") };
    point.update();
  });
  update();
  return life.end;
}

export default { render };
