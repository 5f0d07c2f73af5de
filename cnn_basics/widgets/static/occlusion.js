// A square that covers a part of a picture. All answers were computed beforehand in Python.

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** Make an element of a drawing. */
function shape(tag, attributes = {}) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  put(node, attributes);
  return node;
}

/** Set attributes that are not so already. */
function put(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
}

const clamp = (number, low, high) => Math.min(Math.max(number, low), high);

/** What the model says, with a place that the chosen square has. */
function readState(model) {
  const NAMES = ["picture", "size", "stride", "titles", "classes", "sizes", "pixels", "colour", "whole"];
  const state = Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
  const of = (name) => model.get(name)[String(state.size)][state.picture];
  Object.assign(state, { shares: of("shares"), answers: of("answers"), leads: of("leads"), heat: of("heats") });
  state.image = model.get("images")[state.picture];
  state.rows = state.shares.length;
  state.columns = state.shares[0].length;
  state.row = clamp(model.get("row"), 0, state.rows - 1);
  state.column = clamp(model.get("column"), 0, state.columns - 1);
  return state;
}

/** The picture with its square; `onPlace(row, column)` gets where the square is dragged to. */
function coveredPicture(life, onPlace) {
  const node = shape("svg", { class: "cb-covered", "aria-hidden": "true" });
  const image = shape("image", { x: 0, y: 0, preserveAspectRatio: "none" });
  const [light, square] = ["cb-square-light", "cb-square"].map((name) => shape("rect", { class: name }));
  node.append(image, light, square);
  let now = null;
  const follow = (event) => {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(node.getScreenCTM().inverse());
    const nearest = (n, count) => clamp(Math.round((n - now.size / 2) / now.stride), 0, count - 1);
    onPlace(nearest(place.y, now.rows), nearest(place.x, now.columns));
  };
  life.listen(node, "pointerdown", (event) => {
    if (event.button !== 0) return;
    node.setPointerCapture(event.pointerId);
    follow(event);
  });
  life.listen(node, "pointermove", (event) => node.hasPointerCapture(event.pointerId) && follow(event));
  const draw = (state) => {
    now = state;
    const [height, width] = state.pixels;
    put(node, { viewBox: `0 0 ${width} ${height}` });
    put(image, { href: state.image, width, height });
    const at = { x: state.column * state.stride, y: state.row * state.stride };
    for (const part of [light, square]) put(part, { ...at, width: state.size, height: state.size });
    put(square, { fill: state.colour });
  };
  return { node, draw };
}

/** The lead for every place of the square, as a picture in which the present place is marked. */
function placesPicture(life, onPlace) {
  const node = shape("svg", { class: "cb-places", "aria-hidden": "true" });
  const image = shape("image", { x: 0, y: 0, preserveAspectRatio: "none" });
  const mark = shape("rect", { class: "cb-mark", width: 1, height: 1 });
  const fooled = shape("path", { class: "cb-fooled" });
  node.append(image, fooled, mark);
  let now = null;
  life.listen(node, "click", (event) => {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(node.getScreenCTM().inverse());
    onPlace(clamp(Math.floor(place.y), 0, now.rows - 1), clamp(Math.floor(place.x), 0, now.columns - 1));
  });
  const draw = (state) => {
    now = state;
    put(node, { viewBox: `0 0 ${state.columns} ${state.rows}` });
    put(image, { href: state.heat, width: state.columns, height: state.rows });
    const below = state.leads.flatMap((row, r) => row.flatMap((lead, c) => (lead < 0 ? [`M${c + 0.5} ${r + 0.5}h0`] : [])));
    put(fooled, { d: below.join("") });
    put(mark, { x: state.column, y: state.row });
  };
  return { node, draw };
}

/** Share and lead without and with the square, as numbers, and the share as a bar. */
function shareBars() {
  const make = (name) => {
    const fill = element("span", { class: "cb-fill" });
    const bar = element("span", { class: "cb-bar", "aria-hidden": "true" }, fill);
    const value = element("dd");
    return { row: element("div", {}, element("dt", {}, name), value, bar), fill, value };
  };
  const [whole, covered] = ["nothing covered", "with the square"].map(make);
  const node = element("dl", { class: "cb-shares" }, whole.row, covered.row);
  const set = ({ fill, value }, share, lead) => {
    value.textContent = `${Math.round(share)} %, lead ${writeNumber(lead)}`;
    fill.style.width = `${share}%`;
  };
  const draw = (state) => {
    set(whole, ...state.whole[state.picture]);
    set(covered, state.shares[state.row][state.column], state.leads[state.row][state.column]);
  };
  return { node, draw };
}

/** What the square does, in words. */
function describe(state) {
  const [whole, now] = [state.whole[state.picture][1], state.leads[state.row][state.column]];
  const name = state.classes[state.picture];
  const change = now === whole ? "stays at" : now < whole ? "falls to" : "rises to";
  const answer = state.answers[state.row][state.column];
  const [top, left] = [state.row * state.stride, state.column * state.stride];
  const turn = answer === name ? `The network still answers ${answer}.` : `Now the network answers ${answer}!`;
  return `Square at row ${top}, column ${left}: the lead of ${name} ${change} ${writeNumber(now)}. ${turn}`;
}

/** The place at which the lead is smallest, the first in reading order. */
function mostTelling(leads) {
  const flat = leads.flat();
  const place = flat.indexOf(Math.min(...flat));
  return [Math.floor(place / leads[0].length), place % leads[0].length];
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Occlusion explorer");
  const said = liveText();
  const place = (row, column) => setTraits(model, { row, column });
  const choose = (values) => setTraits(model, values);
  const squareName = (size) => `${size}×${size}`;
  const controls = {
    picture: select(life, {
      label: "picture", options: model.get("titles"), value: "",
      onInput: (title) => choose({ picture: model.get("titles").indexOf(title) }) }),
    size: select(life, {
      label: "square", options: model.get("sizes").map(squareName), value: "",
      onInput: (name) => choose({ size: model.get("sizes").find((size) => squareName(size) === name) }) }),
    row: slider(life, {
      label: "row", min: 0, max: 1, value: 0, write: (n) => String(n * model.get("stride")),
      onInput: (row) => place(row, readState(model).column) }),
    column: slider(life, {
      label: "column", min: 0, max: 1, value: 0, write: (n) => String(n * model.get("stride")),
      onInput: (column) => place(readState(model).row, column) }),
    telling: button(life, {
      label: "To the most telling place", title: "Where the lead is smallest",
      onClick: () => place(...mostTelling(readState(model).leads)) }),
  };
  const [covered, places, bars] = [coveredPicture(life, place), placesPicture(life, place), shareBars()];
  const field = element("div", {
    class: "cb-cover", role: "group", tabindex: "0",
    "aria-label": "picture with a square: arrow keys move the square" }, covered.node);
  life.listen(field, "keydown", (event) => {
    const way = MOVES[event.key];
    if (!way) return;
    event.preventDefault();
    const { row, column, rows, columns } = readState(model);
    place(clamp(row + way[0], 0, rows - 1), clamp(column + way[1], 0, columns - 1));
  });
  const legend = element("p", { class: "cb-note" }, "The lead (its score minus the best other score) for every place of the square: red above 0, white 0, blue with a dot below. Click a place to go there.");
  const show = () => {
    const state = readState(model);
    controls.picture.set(state.titles[state.picture]);
    controls.size.set(squareName(state.size));
    controls.row.input.max = state.rows - 1;
    controls.column.input.max = state.columns - 1;
    controls.row.set(state.row);
    controls.column.set(state.column);
    for (const part of [covered, places, bars]) part.draw(state);
    const sentence = describe(state);
    if (said.node.textContent !== sentence) said.say(sentence);
  };
  root.append(
    element("div", { class: "cb-controls" }, ...Object.values(controls).map(({ node }) => node)),
    element("div", { class: "cb-covering" }, field,
      element("div", { class: "cb-allplaces" }, places.node, legend),
      element("div", { class: "cb-told" }, bars.node, said.node)),
  );
  life.follow(model, ["picture", "size", "row", "column"], show);
  show();
  return life.end;
}

export default { render };
