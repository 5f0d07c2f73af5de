// The same numbers in every legal shape: one element lights up in memory and in the shape.

const MOST_AXES = 4;

/** Every index of a shape, in reading order. */
const allIndices = (shape) =>
  shape.reduce((found, size) => found.flatMap((index) => range(size).map((k) => [...index, k])), [[]]);

/** Every shape with so many axes that holds exactly these numbers. */
const legalShapes = (numbers, axes) => axes === 1 ? [[numbers]] : range(numbers + 1).slice(1)
  .filter((size) => numbers % size === 0)
  .flatMap((size) => legalShapes(numbers / size, axes - 1).map((rest) => [size, ...rest]));

/** Every order of some things. */
const allOrders = (things) => things.length < 2 ? [things] : things
  .flatMap((thing) => allOrders(things.filter((other) => other !== thing)).map((rest) => [thing, ...rest]));

/** Text of sizes as Python writes a tuple. */
const writeTuple = (sizes) => (sizes.length === 1 ? `(${sizes[0]},)` : `(${sizes.join(", ")})`);

/** Text of an order of axes. */
const writeOrder = (axes) =>
  axes.every((axis, k) => axis === k) ? `${axes.join(", ")} (as they are)` : `permute(${axes.join(", ")})`;

/**
 * A tensor of one to four axes as a row or a table of matrices, one tab stop for all: arrow keys
 * go on into the neighbouring matrix, Page keys to the one before or after.
 */
function tensorGrid(life, point) {
  const node = element("div", { class: "cb-flow cb-tensor", role: "group", "aria-label": "the shape" });
  let [matrices, rows, columns, shape, places, part] = [[], 0, 0, [], [], lifetime()];
  const flat = (m, row, column) => (m * rows + row) * columns + column;

  const jump = (key, m, row, column) => {
    const page = { PageUp: m - 1, PageDown: m + 1 }[key];
    if (page !== undefined) return [between(page, 0, matrices.length - 1), row, column];
    if (!ARROWS[key]) return null;
    const [down, right] = ARROWS[key];
    const [r, c] = [row + down, column + right];
    if (r === between(r, 0, rows - 1) && c === between(c, 0, columns - 1)) return null;
    const { at } = matrices[m];
    const next = matrices.findIndex((other) => other.at[0] === at[0] + down && other.at[1] === at[1] + right);
    return next < 0 ? null : [next, (r + rows) % rows, (c + columns) % columns];
  };
  // Before the grid of one matrix sees the key: does it lead into another one?
  life.listen(node, "keydown", (event) => {
    const m = matrices.findIndex(({ own }) => own.node.contains(event.target));
    const place = placeOf(event.target);
    const next = m >= 0 && place ? jump(event.key, m, ...place) : null;
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    matrices[next[0]].own.focus(next[1], next[2]);
    point.choose(places[flat(...next)]);
  }, true);

  const build = () => {
    part.end();
    part = lifetime();
    [rows, columns] = shape.length > 1 ? shape.slice(-2) : [1, shape[0]];
    matrices = allIndices(shape.slice(0, -2)).map((lead, m) => {
      const title = lead.length ? `y[${lead.join(", ")}]` : "y";
      const own = grid(part, { label: title, point, place: (...at) => places[flat(m, ...at)] });
      return { own, at: lead.length === 2 ? lead : [0, lead[0] ?? 0] }; // beside the others, or below
    });
    const table = shape.length === 4 && shape[1] > 1;
    node.style.setProperty("--cb-across", table ? shape[1] : "auto-fit");
    node.classList.toggle("cb-table-of-matrices", table);
    node.replaceChildren(...matrices.map(({ own }) => own.node));
  };
  life.atEnd(() => part.end());

  return {
    node,
    /** Show the places in memory of all elements in reading order. */
    draw(view) {
      const same = shape.join() === view.shape.join();
      ({ shape, places } = view);
      if (!same) build();
      const indices = allIndices(shape);
      matrices.forEach(({ own }, m) => own.draw(matrix(rows, columns, (row, column) => {
        const k = flat(m, row, column);
        const label = `y[${indices[k].join(", ")}], number ${places[k]}`;
        return { text: String(places[k]), label, tint: places[k] / places.length };
      })));
    },
    /** Light up the element at a place of the reading order. */
    light(k) {
      const place = [Math.floor((k % (rows * columns)) / columns), k % columns];
      matrices.forEach(({ own }, m) => {
        const here = m === Math.floor(k / (rows * columns));
        own.mark("active", here ? [place] : []);
        own.setHome(...place);
        if (!here) own.face(...place).setAttribute("tabindex", "-1");
      });
    },
  };
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "The same numbers in every legal shape", "cb-views");
  const place = liveText();
  const facts = element("div", { class: "cb-facts" });
  const answer = liveText();
  const shapes = (count) => legalShapes(model.get("numbers"), Number(count));

  // A place is one in memory.
  const show = (shown) => {
    const { places, shape: sizes, strides } = model.get("view");
    const k = places.indexOf(shown);
    const index = allIndices(sizes)[k];
    strip.mark("active", [[0, shown]]);
    strip.mark("lit", [[1, shown]]);
    strip.setHome(0, shown);
    tensor.light(k);
    const sum = index.map((i, axis) => `${i}·${strides[axis]}`).join(" + ");
    place.say(element("b", {}, `y[${index.join(", ")}]`), " sits at index · strides: ",
      element("b", {}, `${sum} = ${shown}`), `. Reading y row by row, counted from 0, it is number ${k}.`);
  };
  const point = pointing({ show, chosen: () => model.get("element"), choose: (to) => setTraits(model, { element: to }) });
  const strip = grid(life, { label: "memory", point, place: (row, column) => column });
  const tensor = tensorGrid(life, point);

  const setShape = (shape) => setTraits(model, { shape, permutation: range(shape.length) });
  const axes = select(life, { label: "axes", options: range(MOST_AXES).map((n) => String(n + 1)), value: "2",
    onInput: (count) => setShape(shapes(count)[Math.floor((shapes(count).length - 1) / 2)]) });
  const shape = select(life, { label: "shape", options: [], value: "",
    onInput: (text) => setShape(shapes(axes.input.value).find((sizes) => writeTuple(sizes) === text)) });
  const order = select(life, { label: "order of the axes", options: [], value: "",
    onInput: (text) => setTraits(model, { permutation: text.match(/\d+/g).map(Number) }) });
  const target = element("input", { type: "text", size: 10, spellcheck: "false", autocomplete: "off" });
  life.listen(target, "input", () => setTraits(model, { target: target.value }));

  const drawFacts = ({ shape: sizes, strides, contiguous, code }) => {
    const steps = strides.map((skip, axis) => `${skip} along axis ${axis}`).join(", ");
    facts.replaceChildren(
      element("pre", { class: "cb-code" }, code.join("\n")),
      element("div", {}, `shape ${writeTuple(sizes)}, strides ${writeTuple(strides)}: a step skips ${steps}.`),
      element("div", {}, contiguous
        ? "Contiguous: reading row by row is reading memory from left to right."
        : "Not contiguous: reading row by row jumps about in memory (see the second row there)."),
    );
  };
  const draw = () => {
    const view = model.get("view");
    const count = model.get("numbers");
    const read = range(count).map((at) => view.places.indexOf(at));
    strip.draw([
      read.map((_, at) => ({ text: String(at), label: `place ${at} in memory, number ${at}`, tint: at / count })),
      read.map((k, at) => ({ text: String(k), label: `y reads place ${at} as number ${k}` })),
    ], { title: "memory, and below it the order in which y reads it" });
    tensor.draw(view);
    drawFacts(view);
    const { works, text, reshape } = view.answer;
    answer.say(element("div", { class: works ? "" : "cb-alert" }, works ? `gives ${text}` : text),
      element("div", {}, reshape));
    point.update();
  };
  const drawControls = () => {
    const sizes = model.get("shape");
    axes.set(String(sizes.length));
    shape.offer(shapes(sizes.length).map(writeTuple));
    shape.set(writeTuple(sizes));
    order.offer(allOrders(range(sizes.length)).map(writeOrder));
    order.set(writeOrder(model.get("permutation")));
    if (target.value !== model.get("target")) target.value = model.get("target");
  };

  const close = element("span", { "aria-hidden": "true" }, ")");
  root.append(
    controlsRow(axes, shape, order),
    element("div", { class: "cb-scroll" }, strip),
    element("div", { class: "cb-place" }, place),
    element("div", { class: "cb-scroll" }, tensor),
    facts,
    element("div", { class: "cb-controls cb-ask" }, labelled("y.view(", target, close)),
    answer.node,
  );
  life.follow(model, ["shape", "permutation", "target"], drawControls);
  life.follow(model, ["view"], draw);
  life.follow(model, ["element"], point.update);
  drawControls();
  draw();
  return life.end;
}

export default { render };
