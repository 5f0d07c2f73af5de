// The sentences of the convolution lens: sums of products, what a cell feeds, how sizes come about.

const isShort = (value) => Math.abs(value * 100 - Math.round(value * 100)) < 1e-9;
const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
const place = (row, column) => `row ${writeNumber(row)}, column ${writeNumber(column)}`;

/** One product as `pixel×weight`, hatched where the pixel is padding; `link` is kept for marks. */
function term(link) {
  const text = `${writeNumber(link.pixel)}×${writeNumber(link.weight)}`;
  const node = element("span", { class: link.padding ? "cb-term cb-padding" : "cb-term" }, text);
  node.link = link;
  return node;
}

/** Put ` + ` between nodes. */
const plus = (nodes) => nodes.flatMap((node, k) => (k ? [" + ", node] : [node]));

/** `=`, or `≈` where a number written in two decimals is not the whole number. */
const equals = (numbers) => (numbers.every(isShort) ? " = " : " ≈ ");

/** All numbers of some products. */
const factors = (links) => links.flatMap(({ pixel, weight }) => [pixel, weight]);

/** How one output is computed; `links` are its products, each with its channel. */
function explainOutput(state, active, links) {
  const { bias, groups } = state;
  const value = state.output[active.plane][active.row][active.column];
  const heading = `Output${groups > 1 ? ` ${active.plane}` : ""} at ${place(active.row, active.column)}`;
  const lines = [element("div", { class: "cb-heading" }, heading)];
  const biasTerm = element("span", { class: "cb-term" }, `bias ${writeNumber(bias)}`);
  const result = element("b", { class: "cb-result" }, writeNumber(value));
  const channels = state.channelsOf(active.plane);
  if (channels.length === 1) {
    const all = [...plus([...links.map(term), biasTerm]), equals([bias, value, ...factors(links)]), result];
    return [...lines, element("div", {}, ...all)];
  }
  const sums = channels.map((channel) => {
    const own = links.filter((link) => link.channel === channel);
    const sum = own.reduce((total, { pixel, weight }) => total + pixel * weight, 0);
    const terms = own.length ? plus(own.map(term)) : ["nothing"];
    const end = [equals([...factors(own), sum]), element("b", {}, writeNumber(sum))];
    lines.push(element("div", {}, `channel ${channel}: `, ...terms, ...end));
    return sum;
  });
  const total = plus([...sums.map(writeNumber), biasTerm]);
  return [...lines, element("div", {}, "together: ", ...total, equals([...sums, bias, value]), result)];
}

/** Which outputs an input cell feeds, and with which weight. */
function explainInput(state, active, links) {
  const { x, transposed } = state;
  const value = x[active.plane][active.row]?.[active.column];
  const name = value === undefined ? "Padding, always 0," : `Input ${writeNumber(value)}`;
  const where = `${name} at ${place(active.row, active.column)}`;
  const kept = links.filter((link) => link.inside);
  const cut = links.length - kept.length;
  const verb = transposed ? "is multiplied with the kernel and added to" : "feeds";
  const outputs = kept.length ? count(kept.length, "output") : "no output";
  const also = cut ? `; ${count(cut, "product")} fall into the padding that is cut off` : "";
  const reason = !kept.length && !transposed ? ": no window sees it" : "";
  const heading = element("div", { class: "cb-heading" }, `${where} ${verb} ${outputs}${reason}${also}`);
  const write = (link) => element("span", { class: "cb-fed" }, `(${link.row}, ${link.column}): `, term(link));
  return kept.length ? [heading, element("div", { class: "cb-feeds" }, ...kept.map(write))] : [heading];
}

/** Which rows or columns no window sees, such as `; column 7 is never seen (crossed out)`. */
function unseenText(noun, unseen, size) {
  const own = unseen.filter((n) => n >= 0 && n < size);
  const spare = unseen.length - own.length;
  const never = (n) => `${n === 1 ? "is" : "are"} never seen`;
  const names = own.length > 1 ? `s ${own.slice(0, -1).join(", ")} and ${own.at(-1)}` : ` ${own[0]}`;
  const parts = [own.length && `${noun}${names} ${never(own.length)}`,
    spare && `${count(spare, noun)} of padding ${never(spare)}`].filter(Boolean);
  return parts.length ? `; ${parts.join(", ")} (crossed out)` : "";
}

/** One direction's size, written out as PyTorch computes it. */
function sizeLine(state, noun, size, cells) {
  const { stride, padding } = state;
  const { span, room, outputs } = sizeAlong(size, state);
  if (state.transposed) {
    return `${noun}: (${size} − 1) · ${stride} − 2 · ${padding} + ${span} = ${count(outputs, "output")}`;
  }
  const steps = writeNumber(room / stride);
  const floor = room % stride ? `${isShort(room / stride) ? "=" : "≈"} ${steps} → floor ${outputs - 1}` : `= ${steps}`;
  const unseen = unseenText(cells, unseenAlong(size, state), size);
  return `${noun}: (${size} + 2 · ${padding} − ${span}) / ${stride} ${floor}, + 1 = ${count(outputs, "output")}${unseen}`;
}

/** How the size of the output comes about, or why there is none. */
function explainSize(state) {
  const { k, dilation, problem, height, width } = state;
  if (problem) return [element("p", { class: "cb-alert", role: "alert" }, problem)];
  const span = `The kernel spans ${dilation} · (${k} − 1) + 1 = ${dilation * (k - 1) + 1} cells (dilation · (size − 1) + 1).`;
  const lines = [span, sizeLine(state, "Height", height, "row"), sizeLine(state, "Width", width, "column")];
  return lines.map((text) => element("div", {}, text));
}
