// The same numbers in every legal shape: one element lights up in memory and in the shape.

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
