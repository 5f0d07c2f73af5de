// The arithmetic of the convolution lens: pure functions over nested arrays x[channel][row][column].
// A test holds them equal to torch.nn.functional in a real browser.
//
// The window of a convolution's output o reads the inputs o · stride − padding + i · dilation; the
// input o of a transposed convolution stamps its kernel on the outputs of the same numbers. So each
// has two ways to follow, and transposed means that the sides have changed.

/** The cells that a window (or stamp) reaches, along one direction, each with its kernel element. */
const reached = (place, { k, stride, padding, dilation }) =>
  range(k).map((i) => [place * stride - padding + i * dilation, i]);

/** Which places, of so many, have windows (or stamps) that reach a cell, and with which element. */
const reaching = (cell, count, { k, stride, padding, dilation }) =>
  range(k).map((i) => [(cell + padding - i * dilation) / stride, i])
    .filter(([place]) => Number.isInteger(place) && place >= 0 && place < count).reverse();

/** How one direction's number of outputs comes about; 0 or less: the kernel does not fit. */
function sizeAlong(size, { k, stride, padding, dilation, transposed }) {
  const span = dilation * (k - 1) + 1;
  const full = (size - 1) * stride + span;
  if (transposed) return { span, full, outputs: full - 2 * padding };
  const room = size + 2 * padding - span;
  return { span, room, outputs: room < 0 ? 0 : Math.floor(room / stride) + 1 };
}

/** Why there is no output. */
function refusal(size, { padding, transposed }, { span, full }) {
  if (transposed) {
    return `There is no output: of ${full} pixels padding ${padding} cuts ${padding} off both sides. ` +
      "Choose less padding, a larger kernel or a larger stride.";
  }
  const padded = padding ? `${size} + 2·${padding} = ${size + 2 * padding}` : String(size);
  return `There is no output: the kernel spans ${span} pixels and finds only ${padded}. ` +
    "Choose a smaller kernel, less dilation or more padding.";
}

/**
 * Everything that follows from `x` (C, H, W), `kernel` (C, k, k), bias, stride, padding, dilation,
 * groups and transposed: `output` (groups, H', W'), or null, and `problem`, why there is none.
 */
export function solve(settings) {
  const { x, kernel, bias, groups } = settings;
  const state = { ...settings, k: kernel[0].length, height: x[0].length, width: x[0][0].length };
  const perGroup = x.length / groups;
  state.channelsOf = (map) => range(perGroup).map((n) => map * perGroup + n);
  state.mapOf = (channel) => Math.floor(channel / perGroup);
  const sizes = [state.height, state.width].map((size) => ({ size, ...sizeAlong(size, state) }));
  const misfit = sizes.find(({ outputs }) => outputs < 1);
  if (misfit) return { ...state, output: null, problem: refusal(misfit.size, state, misfit) };
  state.outputs = sizes.map(({ outputs }) => outputs);
  const sum = (links) => links.reduce((total, { pixel, weight }) => total + pixel * weight, bias);
  state.output = range(groups).map((plane) => matrix(...state.outputs, (row, column) =>
    sum(linksOf(state, { where: "output", plane, row, column }))));
  return state;
}

/**
 * The products that a cell of the output is the sum of, or that a cell of the input takes part in:
 * each with the row and column of the cell on the other side, whether that is `inside`, the
 * kernel's element (i, j), channel, pixel, weight, and whether the pixel is padding.
 */
export function linksOf(state, { where, plane, row, column }) {
  const { x, kernel, transposed, height, width, outputs } = state;
  const input = where === "input";
  const sizes = input ? outputs : [height, width];
  const along = (place, axis) =>
    input === transposed ? reached(place, state) : reaching(place, sizes[axis], state);
  const cells = along(row, 0).flatMap(([r, i]) => along(column, 1).map(([c, j]) => ({ row: r, column: c, i, j })));
  return (input ? [plane] : state.channelsOf(plane)).flatMap((channel) => cells.map((cell) => {
    const pixel = input ? x[plane][row]?.[column] : x[channel][cell.row]?.[cell.column];
    const inside = cell.row >= 0 && cell.row < sizes[0] && cell.column >= 0 && cell.column < sizes[1];
    const weight = kernel[channel][cell.i][cell.j];
    return { ...cell, channel, inside, pixel: pixel ?? 0, padding: pixel === undefined, weight };
  }));
}

/** The rows (or columns) of the padded input that no window reads, counted from the input's first. */
export function unseenAlong(size, state) {
  const { outputs } = sizeAlong(size, state);
  const seen = new Set(range(outputs).flatMap((o) => reached(o, state).map(([n]) => n)));
  return range(size + 2 * state.padding).map((n) => n - state.padding).filter((n) => !seen.has(n));
}
