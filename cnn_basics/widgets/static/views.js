// The same numbers in every legal shape: one element lights up in memory and in the shape.

/** Every index of a shape, in reading order. */
function allIndices(shape) {
  return shape.reduce((found, size) => found.flatMap((index) =>
    Array.from({ length: size }, (_, k) => [...index, k])), [[]]);
}

/** How an index and strides lead to a place in memory, written out: `1·4 + 2·1 = 6`. */
function spellPlace(index, strides) {
  const place = index.reduce((sum, i, axis) => sum + i * strides[axis], 0);
  return `${index.map((i, axis) => `${i}·${strides[axis]}`).join(" + ")} = ${place}`;
}

/** Text of sizes as Python writes a tuple. */
function writeTuple(sizes) {
  return sizes.length === 1 ? `(${sizes[0]},)` : `(${sizes.join(", ")})`;
}

/** An input for text with its visible label. */
function textField(life, { label, value, onInput, after = "" }) {
  const input = element("input", { type: "text", size: 10, spellcheck: "false", autocomplete: "off" });
  input.value = value;
  life.listen(input, "input", () => onInput(input.value));
  return { node: labelled(label, input, element("span", { "aria-hidden": "true" }, after)), input };
}

/** Where the matrix of a leading index stands: beside the others, or below them. */
function placeOfMatrix(lead) {
  return lead.length === 2 ? { row: lead[0], column: lead[1] } : { row: 0, column: lead[0] ?? 0 };
}

/**
 * A tensor of one to four axes as matrices, one tab stop for all: arrow keys go on into the
 * neighbouring matrix, Page keys to the one before or after.
 */
function tensorGrid(life, { onPoint, onChoose }) {
  const node = element("div", { class: "cb-tensor", role: "group", "aria-label": "the shape" });
  let matrices = [];
  let part = null; // what must be undone when the matrices change
  let shape = [];
  const flat = (m, row, column) => (m * matrices.rows + row) * matrices.columns + column;

  const neighbour = (m, key) => {
    const { row, column } = matrices[m].at;
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
    return matrices.findIndex(({ at }) => at.row === row + down && at.column === column + right);
  };
  const jump = (event, m, row, column) => {
    const [rows, columns] = [matrices.rows, matrices.columns];
    const page = { PageUp: m - 1, PageDown: m + 1 }[event.key];
    if (page !== undefined) return [Math.min(Math.max(page, 0), matrices.length - 1), row, column];
    const leaves = { ArrowUp: row === 0, ArrowDown: row === rows - 1, ArrowLeft: column === 0,
      ArrowRight: column === columns - 1 }[event.key];
    const next = leaves ? neighbour(m, event.key) : -1;
    if (next < 0) return null;
    const across = { ArrowUp: [rows - 1, column], ArrowDown: [0, column], ArrowLeft: [row, columns - 1], ArrowRight: [row, 0] };
    return [next, ...across[event.key]];
  };
  // Before the grid of one matrix sees the key: does it lead into another one?
  life.listen(node, "keydown", (event) => {
    const m = matrices.findIndex(({ own }) => own.node.contains(event.target));
    const place = event.target.dataset?.place?.split(" ").map(Number);
    const next = m >= 0 && place ? jump(event, m, ...place) : null;
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    matrices[next[0]].own.focus(next[1], next[2]);
    onChoose(flat(...next));
  }, true);

  const build = () => {
    part?.end();
    part = lifetime();
    const [rows, columns] = shape.length > 1 ? shape.slice(-2) : [1, shape[0]];
    matrices = allIndices(shape.slice(0, -2)).map((lead, m) => {
      const act = (handler) => (row, column) => handler(flat(m, row, column));
      const own = grid(part, { label: `y[${lead.join(", ")}]`, onHover: act(onPoint),
        onLeave: () => onPoint(null), onChoose: act(onChoose) });
      return { lead, own, at: placeOfMatrix(lead) };
    });
    Object.assign(matrices, { rows, columns });
    node.style.setProperty("--cb-across", shape.length === 4 && shape[1] > 1 ? shape[1] : "auto-fit");
    node.classList.toggle("cb-table-of-matrices", shape.length === 4 && shape[1] > 1);
    node.replaceChildren(...matrices.map(({ own }) => own.node));
  };
  life.atEnd(() => part?.end());

  return {
    node,
    /** Show the places of all elements in reading order. */
    draw(view) {
      if (shape.join() !== view.shape.join()) {
        shape = view.shape;
        build();
      }
      const indices = allIndices(shape);
      matrices.forEach(({ lead, own }, m) => {
        const cell = (row, column) => {
          const k = flat(m, row, column);
          const label = `y[${indices[k].join(", ")}], number ${view.places[k]}`;
          return { text: String(view.places[k]), label, tint: view.places[k] / view.places.length };
        };
        const content = Array.from({ length: matrices.rows }, (_, r) =>
          Array.from({ length: matrices.columns }, (_, c) => cell(r, c)));
        own.draw(content, { title: lead.length ? `y[${lead.join(", ")}]` : "y" });
      });
    },
    /** Light up the element at a place of the reading order. */
    light(k) {
      const inside = matrices.rows * matrices.columns;
      const place = [Math.floor((k % inside) / matrices.columns), k % matrices.columns];
      const chosen = Math.floor(k / inside);
      matrices.forEach(({ own }, m) => {
        own.mark("active", m === chosen ? [place] : []);
        own.setHome(...place);
        if (m !== chosen) own.cellAt(...place).setAttribute("tabindex", "-1");
      });
    },
  };
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "The same numbers in every legal shape");
  root.classList.add("cb-views");
  let pointed = null; // a place in memory that the pointer is at

  const point = (place) => {
    pointed = place;
    light();
  };
  const choose = (place) => {
    pointed = null;
    setTraits(model, { element: place });
    light();
  };
  const placeAt = (k) => (k === null ? null : model.get("view").places[k]);
  const strip = grid(life, { label: "memory", onHover: (_, column) => point(column),
    onLeave: () => point(null), onChoose: (_, column) => choose(column) });
  const tensor = tensorGrid(life, { onPoint: (k) => point(placeAt(k)), onChoose: (k) => choose(placeAt(k)) });
  const place = liveText();
  const facts = element("div", { class: "cb-facts" });
  const answer = liveText();

  const axes = select(life, { label: "axes", options: Object.keys(model.get("shapes")), value: "2",
    onInput: (count) => {
      const shapes = model.get("shapes")[count];
      setShape(shapes[Math.floor((shapes.length - 1) / 2)]);
    } });
  const shape = select(life, { label: "shape", options: [], value: "", onInput: (text) =>
    setShape(model.get("shapes")[axes.input.value].find((sizes) => writeTuple(sizes) === text)) });
  const order = select(life, { label: "order of the axes", options: [], value: "", onInput: (text) =>
    setTraits(model, { permutation: text.match(/\d+/g).map(Number) }) });
  const target = textField(life, { label: "y.view(", after: ")", value: model.get("target"),
    onInput: (text) => setTraits(model, { target: text }) });
  const setShape = (sizes) => setTraits(model, { shape: sizes, permutation: sizes.map((_, axis) => axis) });
  const writeOrder = (axesInOrder) => {
    const same = axesInOrder.every((axis, k) => axis === k);
    return same ? `${axesInOrder.join(", ")} (as they are)` : `permute(${axesInOrder.join(", ")})`;
  };

  const light = () => {
    const { places, shape: sizes, strides } = model.get("view");
    const shown = pointed ?? model.get("element");
    const k = places.indexOf(shown);
    const index = allIndices(sizes)[k];
    strip.mark("active", [[0, shown]]);
    strip.mark("lit", [[1, shown]]);
    strip.setHome(0, shown);
    tensor.light(k);
    place.say(element("b", {}, `y[${index.join(", ")}]`), ` sits at index · strides: `,
      element("b", {}, spellPlace(index, strides)), `. Reading y row by row, counted from 0, it is number ${k}.`);
  };
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
  const drawAnswer = ({ answer: { works, text, reshape } }) =>
    answer.say(element("div", { class: works ? "" : "cb-alert" }, works ? `gives ${text}` : text),
      ...(reshape ? [element("div", {}, reshape)] : []));
  const draw = () => {
    const view = model.get("view");
    const count = model.get("numbers");
    const read = Array.from({ length: count }, (_, at) => view.places.indexOf(at));
    strip.draw([
      read.map((k, at) => ({ text: String(at), label: `place ${at} in memory, number ${at}`, tint: at / count })),
      read.map((k, at) => ({ text: String(k), label: `y reads place ${at} as number ${k}` })),
    ], { title: "memory, and below it the order in which y reads it" });
    tensor.draw(view);
    drawFacts(view);
    drawAnswer(view);
    light();
  };
  const drawControls = () => {
    const count = String(model.get("shape").length);
    axes.set(count);
    shape.offer(model.get("shapes")[count].map(writeTuple));
    shape.set(writeTuple(model.get("shape")));
    order.offer(model.get("orders")[count].map(writeOrder));
    order.set(writeOrder(model.get("permutation")));
    if (target.input.value !== model.get("target")) target.input.value = model.get("target");
  };

  root.append(
    element("div", { class: "cb-controls" }, axes.node, shape.node, order.node),
    element("div", { class: "cb-scroll" }, strip.node),
    element("div", { class: "cb-place" }, place.node),
    element("div", { class: "cb-scroll" }, tensor.node),
    facts,
    element("div", { class: "cb-controls cb-ask" }, target.node),
    answer.node,
  );
  life.follow(model, ["shape", "permutation", "target"], drawControls);
  life.follow(model, ["view"], draw);
  life.follow(model, ["element"], light);
  drawControls();
  draw();
  return life.end;
}

export default { render };
