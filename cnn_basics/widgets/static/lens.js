// The arithmetic of the convolution lens: pure functions over nested arrays. A test holds them
// equal to torch.nn.functional in a real browser.
//
// Arrays are x[channel][row][column] and weight[…][…][i][j]; `stride`, `padding` and `dilation`
// are whole numbers, or pairs [vertical, horizontal], as in PyTorch.

/** Read a whole number or a pair as [vertical, horizontal]. */
function pairOf(value) {
  return Array.isArray(value) ? value : [value, value];
}

/** The settings with every whole number as a pair, and PyTorch's defaults. */
function readSettings({ stride = 1, padding = 0, dilation = 1, groups = 1, bias = 0 } = {}) {
  const [s, p, d] = [pairOf(stride), pairOf(padding), pairOf(dilation)];
  return { stride: s, padding: p, dilation: d, groups, bias };
}

/**
 * How far one direction of a convolution reaches: `span` of the kernel, `room` left to move in,
 * `outputs` (0 where the kernel does not fit) and how many pixels are `left` over.
 */
export function outputSize(size, kernel, stride = 1, padding = 0, dilation = 1) {
  const span = dilation * (kernel - 1) + 1;
  const room = size + 2 * padding - span;
  const outputs = room < 0 ? 0 : Math.floor(room / stride) + 1;
  return { span, room, outputs, left: room < 0 ? 0 : room % stride };
}

/** The same for a transposed convolution, whose padding is cut off the output; 0 or less: none. */
export function transposedSize(size, kernel, stride = 1, padding = 0, dilation = 1) {
  const span = dilation * (kernel - 1) + 1;
  const full = (size - 1) * stride + span;
  return { span, full, outputs: full - 2 * padding };
}

/**
 * The cells that the window of output (row, column) reads, each with its kernel element (i, j).
 * Cells outside of the input are padding. For a transposed convolution the same list says where
 * the input cell (row, column) stamps its kernel in the output.
 */
export function windowOf(row, column, { kernel, ...settings }) {
  const { stride, padding, dilation } = readSettings(settings);
  const cells = [];
  for (let i = 0; i < kernel[0]; i += 1) {
    for (let j = 0; j < kernel[1]; j += 1) {
      cells.push({
        i,
        j,
        row: row * stride[0] - padding[0] + i * dilation[0],
        column: column * stride[1] - padding[1] + j * dilation[1],
      });
    }
  }
  return cells;
}

/**
 * The outputs that the input cell (row, column) feeds, each with the kernel element (i, j) that
 * lies on the cell; `size` is the output's [height, width]. For a transposed convolution the same
 * list says which input cells (`size` is the input's) add to the output (row, column).
 */
export function fedBy(row, column, { kernel, size, ...settings }) {
  const { stride, padding, dilation } = readSettings(settings);
  const along = (place, d) => {
    const found = [];
    for (let k = 0; k < kernel[d]; k += 1) {
      const moved = place + padding[d] - k * dilation[d];
      const at = moved / stride[d];
      if (Number.isInteger(at) && at >= 0 && at < size[d]) found.push([at, k]);
    }
    return found.reverse();
  };
  const across = along(column, 1);
  return along(row, 0).flatMap(([r, i]) => across.map(([c, j]) => ({ row: r, column: c, i, j })));
}

/** Refuse groups that do not divide the channels or the kernels. */
function checkGroups(groups, channels, wanted, kernels) {
  if (groups < 1 || channels % groups || kernels % groups || channels !== wanted) {
    throw new RangeError(
      `expected ${wanted} input channels and a number of kernels that groups=${groups} divides, ` +
        `got ${channels} channels and ${kernels} kernels: change groups or the kernel`,
    );
  }
}

/** Make maps[count][height][width], each number computed by `compute(map, row, column)`. */
function makeMaps(count, [height, width], compute) {
  const range = (n) => Array.from({ length: n }, (_, k) => k);
  return range(count).map((o) => range(height).map((r) => range(width).map((c) => compute(o, r, c))));
}

const biasOf = (bias, map) => (Array.isArray(bias) ? bias[map] : bias);

/**
 * A convolution as torch.nn.functional.conv2d computes it: x (C, H, W), weight
 * (O, C / groups, kh, kw), bias a number or O numbers; returns (O, H', W').
 * Throws a RangeError with one sentence where PyTorch refuses.
 */
export function convolve(x, weight, options = {}) {
  const { stride, padding, dilation, groups, bias } = readSettings(options);
  const perGroup = weight[0].length;
  checkGroups(groups, x.length, perGroup * groups, weight.length);
  const kernel = [weight[0][0].length, weight[0][0][0].length];
  const input = [x[0].length, x[0][0].length];
  const size = [0, 1].map((d) => {
    const found = outputSize(input[d], kernel[d], stride[d], padding[d], dilation[d]);
    if (found.outputs < 1) throw new RangeError(refusal(input[d], padding[d], found.span));
    return found.outputs;
  });
  return makeMaps(weight.length, size, (o, r, c) => {
    const first = Math.floor(o / (weight.length / groups)) * perGroup;
    let sum = biasOf(bias, o);
    for (const cell of windowOf(r, c, { kernel, stride, padding, dilation })) {
      for (let slice = 0; slice < perGroup; slice += 1) {
        const pixel = x[first + slice][cell.row]?.[cell.column] ?? 0;
        sum += pixel * weight[o][slice][cell.i][cell.j];
      }
    }
    return sum;
  });
}

/**
 * A transposed convolution as torch.nn.functional.conv_transpose2d computes it: x (C, H, W),
 * weight (C, O / groups, kh, kw), bias a number or O numbers; returns (O, H', W').
 */
export function convolveTransposed(x, weight, options = {}) {
  const { stride, padding, dilation, groups, bias } = readSettings(options);
  const [perGroup, mapsPerGroup] = [x.length / groups, weight[0].length];
  checkGroups(groups, x.length, weight.length, mapsPerGroup * groups);
  const kernel = [weight[0][0].length, weight[0][0][0].length];
  const input = [x[0].length, x[0][0].length];
  const size = [0, 1].map((d) => {
    const found = transposedSize(input[d], kernel[d], stride[d], padding[d], dilation[d]);
    if (found.outputs < 1) throw new RangeError(refusalTransposed(found.full, padding[d]));
    return found.outputs;
  });
  return makeMaps(mapsPerGroup * groups, size, (o, r, c) => {
    const first = Math.floor(o / mapsPerGroup) * perGroup;
    let sum = biasOf(bias, o);
    for (const cell of fedBy(r, c, { kernel, size: input, stride, padding, dilation })) {
      for (let k = first; k < first + perGroup; k += 1) {
        sum += x[k][cell.row][cell.column] * weight[k][o % mapsPerGroup][cell.i][cell.j];
      }
    }
    return sum;
  });
}

/** Why a kernel does not fit. */
function refusal(size, padding, span) {
  const padded = padding ? `${size} + 2·${padding} = ${size + 2 * padding}` : String(size);
  return (
    `There is no output: the kernel spans ${span} pixels and finds only ${padded}. ` +
    "Choose a smaller kernel, less dilation or more padding."
  );
}

/** Why a transposed convolution leaves nothing. */
function refusalTransposed(full, padding) {
  return (
    `There is no output: of ${full} pixels padding ${padding} cuts ${padding} off both sides. ` +
    "Choose less padding, a larger kernel or a larger stride."
  );
}

/** The rows (or columns) of the padded input that no window reads, counted from the input's first. */
export function unseenAlong(size, kernel, stride, padding, dilation) {
  const { outputs } = outputSize(size, kernel, stride, padding, dilation);
  const seen = new Set();
  for (let o = 0; o < outputs; o += 1) {
    for (let k = 0; k < kernel; k += 1) seen.add(o * stride - padding + k * dilation);
  }
  const all = Array.from({ length: size + 2 * padding }, (_, n) => n - padding);
  return all.filter((n) => !seen.has(n));
}
