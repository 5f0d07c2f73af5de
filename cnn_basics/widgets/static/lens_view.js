// The convolution lens in the page: settings, grids, what lights up, and the animation.

const SETTINGS = ["x", "kernel", "bias", "stride", "padding", "dilation", "groups", "transposed"];

/** Everything that follows from the model's settings; `output` is null where there is none. */
function readState(model) {
  const state = Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
  const { x, kernel, groups, bias, stride, padding, dilation, transposed } = state;
  const perGroup = x.length / groups;
  const geometry = { kernel: [kernel[0].length, kernel[0].length], stride, padding, dilation };
  Object.assign(state, { geometry, k: kernel[0].length, height: x[0].length, width: x[0][0].length });
  state.channelsOf = (map) => Array.from({ length: perGroup }, (_, n) => map * perGroup + n);
  state.mapOf = (channel) => Math.floor(channel / perGroup);
  const weight = transposed
    ? kernel.map((slice) => [slice])
    : Array.from({ length: groups }, (_, g) => kernel.slice(g * perGroup, (g + 1) * perGroup));
  try {
    const compute = transposed ? convolveTransposed : convolve;
    state.output = compute(x, weight, { stride, padding, dilation, groups, bias });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    [state.output, state.problem] = [null, error.message];
  }
  return state;
}

/** The products between the active cell and the cells on the other side of the kernel. */
function linksOf(state, { where, plane, row, column }) {
  const { geometry, transposed, x, kernel, output } = state;
  const inputSize = [state.height, state.width];
  const outputSizes = [output[0].length, output[0][0].length];
  const inside = ([h, w], cell) => cell.row >= 0 && cell.row < h && cell.column >= 0 && cell.column < w;
  if (where === "output") {
    const cells = transposed
      ? fedBy(row, column, { ...geometry, size: inputSize })
      : windowOf(row, column, geometry);
    return state.channelsOf(plane).flatMap((channel) =>
      cells.map((cell) => ({
        ...cell,
        channel,
        padding: !inside(inputSize, cell),
        pixel: x[channel][cell.row]?.[cell.column] ?? 0,
        weight: kernel[channel][cell.i][cell.j],
      })));
  }
  const cells = transposed
    ? windowOf(row, column, geometry)
    : fedBy(row, column, { ...geometry, size: outputSizes });
  return cells.map((cell) => ({
    ...cell,
    channel: plane,
    inside: inside(outputSizes, cell),
    weight: kernel[plane][cell.i][cell.j],
  }));
}

/** A grid's content: numbers with a border of padding around them. */
function cellsOf(matrix, border, unseen, noun) {
  const largest = Math.max(...matrix.flat().map(Math.abs)) || 1;
  const [height, width] = [matrix.length, matrix[0].length];
  const range = (n) => Array.from({ length: n + 2 * border }, (_, index) => index - border);
  const cell = (row, column) => {
    const value = matrix[row]?.[column];
    const where = `row ${row}, column ${column}`;
    const crossed = unseen.rows.includes(row) || unseen.columns.includes(column);
    const kind = [value === undefined ? "padding" : "", crossed ? "unseen" : ""].join(" ").trim();
    const shown = writeNumber(value ?? 0);
    const told = value === undefined ? noun : shown;
    return {
      text: value === undefined && noun !== "padding, 0" ? "" : shown,
      label: `${where}: ${told}${crossed ? ", never seen" : ""}`,
      kind,
      tint: (value ?? 0) / largest,
    };
  };
  const names = (n) => range(n).map((index) => (index < 0 || index >= n ? "" : index));
  return {
    content: range(height).map((row) => range(width).map((column) => cell(row, column))),
    names: { rowNames: names(height), columnNames: names(width) },
  };
}

/** The name of the preset that every slice of the kernel is, or "custom". */
function presetOf(kernel, presets) {
  const same = (a, b) => a.every((row, i) => row.every((value, j) => Math.abs(value - b[i][j]) < 1e-12));
  const fits = ([, sizes]) => {
    const preset = sizes[kernel[0].length];
    return preset && kernel.every((slice) => same(slice, preset));
  };
  return Object.entries(presets).find(fits)?.[0] ?? "custom";
}

/** Another kernel size: the preset's own, or else the same numbers around the middle, and zeros. */
function resizeKernel(kernel, k, presets) {
  const preset = presets[presetOf(kernel, presets)]?.[k];
  if (preset) return kernel.map(() => preset);
  const shift = Math.floor((kernel[0].length - 1) / 2) - Math.floor((k - 1) / 2);
  const range = Array.from({ length: k }, (_, n) => n + shift);
  return kernel.map((slice) => range.map((i) => range.map((j) => slice[i]?.[j] ?? 0)));
}

/** The settings above the grids; returns their node and `show(state)`. */
function settingsBar(life, model) {
  const presets = model.get("presets");
  const change = (name) => (value) => setTraits(model, { [name]: value });
  const move = (label, name, min, max) =>
    slider(life, { label, min, max, value: model.get(name), onInput: change(name) });
  const channels = model.get("x").length;
  const divisors = [1, 2, 3].filter((g) => channels % g === 0).map(String);
  const controls = {
    preset: select(life, {
      label: "Kernel", options: Object.keys(presets), value: "", onInput: (name) => {
        const k = presets[name][model.get("kernel")[0].length] ? model.get("kernel")[0].length : 3;
        setTraits(model, { kernel: model.get("kernel").map(() => presets[name][k]) });
      } }),
    k: slider(life, {
      label: "Kernel size", min: 1, max: 5, value: 3,
      onInput: (k) => setTraits(model, { kernel: resizeKernel(model.get("kernel"), k, presets) }) }),
    stride: move("Stride", "stride", 1, 3),
    padding: move("Padding", "padding", 0, 3),
    dilation: move("Dilation", "dilation", 1, 3),
    groups: select(life, {
      label: "Groups", options: divisors, value: "1", onInput: (g) => change("groups")(Number(g)) }),
    transposed: checkbox(life, { label: "Transposed", value: false, onInput: change("transposed") }),
  };
  controls.groups.input.disabled = divisors.length === 1;
  if (divisors.length === 1) controls.groups.input.title = "One channel: nothing to split";
  const show = (state) => {
    const name = presetOf(state.kernel, presets);
    controls.preset.offer([...Object.keys(presets), ...(name === "custom" ? [name] : [])]);
    controls.preset.set(name);
    for (const key of ["k", "stride", "padding", "dilation"]) controls[key].set(state[key]);
    controls.groups.set(String(state.groups));
    controls.transposed.set(state.transposed);
  };
  const nodes = Object.values(controls).map((control) => control.node);
  return { node: element("div", { class: "cb-controls" }, ...nodes), show };
}
