// A square that covers a part of a picture. All answers were computed beforehand in Python.

/** What the model says, with a place that the chosen square has. */
function readState(model) {
  const NAMES = ["picture", "size", "stride", "titles", "classes", "sizes", "pixels", "colour", "whole"];
  const state = Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
  const of = (name) => model.get(name)[String(state.size)][state.picture];
  Object.assign(state, { shares: of("shares"), answers: of("answers"), leads: of("leads"), heat: of("heats") });
  state.image = model.get("images")[state.picture];
  [state.rows, state.columns] = [state.shares.length, state.shares[0].length];
  state.row = between(model.get("row"), 0, state.rows - 1);
  state.column = between(model.get("column"), 0, state.columns - 1);
  return state;
}

const emptyImage = () => shape("image", { x: 0, y: 0, preserveAspectRatio: "none" });

/** The picture with its square; `onPlace(row, column)` gets where the square is dragged to. */
function coveredPicture(life, readState, onPlace) {
  const [image, light, square] = [emptyImage(), shape("rect", { class: "cb-square-light" }),
    shape("rect", { class: "cb-square" })];
  const node = drawing("cb-covered", image, light, square);
  drag(life, node, ({ x, y }) => {
    const { size, stride, rows, columns } = readState();
    const nearest = (n, count) => between(Math.round((n - size / 2) / stride), 0, count - 1);
    onPlace(nearest(y, rows), nearest(x, columns));
  });
  const draw = ({ pixels: [height, width], image: href, row, column, stride, size, colour }) => {
    put(node, { viewBox: `0 0 ${width} ${height}` });
    put(image, { href, width, height });
    const at = { x: column * stride, y: row * stride, width: size, height: size };
    for (const part of [light, square]) put(part, at);
    put(square, { fill: colour });
  };
  return { node, draw };
}

/** The lead for every place of the square, as a picture in which the present place is marked. */
function placesPicture(life, readState, onPlace) {
  const [image, fooled] = [emptyImage(), shape("path", { class: "cb-fooled" })];
  const mark = shape("rect", { class: "cb-mark", width: 1, height: 1 });
  const node = drawing("cb-places", image, fooled, mark);
  drag(life, node, ({ x, y }) => {
    const { rows, columns } = readState();
    onPlace(between(Math.floor(y), 0, rows - 1), between(Math.floor(x), 0, columns - 1));
  });
  const draw = ({ rows, columns, heat, leads, row, column }) => {
    put(node, { viewBox: `0 0 ${columns} ${rows}` });
    put(image, { href: heat, width: columns, height: rows });
    const dot = (r, c) => (leads[r][c] < 0 ? `M${c + 0.5} ${r + 0.5}h0` : "");
    put(fooled, { d: matrix(rows, columns, dot).flat().join("") });
    put(mark, { x: column, y: row });
  };
  return { node, draw };
}

/** Share and lead without and with the square, as numbers, and the share as a bar. */
function shareBars() {
  const names = ["nothing covered", "with the square"];
  const fills = names.map(() => element("span", { class: "cb-fill" }));
  const bar = (k) => [element("span", { class: "cb-bar", "aria-hidden": "true" }, fills[k])];
  const { node, values } = valueList("cb-shares", names, bar);
  const draw = ({ whole, picture, shares, leads, row, column }) =>
    [whole[picture], [shares[row][column], leads[row][column]]].forEach(([share, lead], k) => {
      values[k].textContent = `${Math.round(share)} %, lead ${writeNumber(lead)}`;
      fills[k].style.width = `${share}%`;
    });
  return { node, draw };
}

/** What the square does, in words. */
function describe({ whole, picture, classes, leads, answers, row, column, stride }) {
  const [before, now, name] = [whole[picture][1], leads[row][column], classes[picture]];
  const change = now === before ? "stays at" : now < before ? "falls to" : "rises to";
  const answer = answers[row][column];
  const turn = answer === name ? `The network still answers ${answer}.` : `Now the network answers ${answer}!`;
  return `Square at row ${row * stride}, column ${column * stride}: the lead of ${name} ${change} ` +
    `${writeNumber(now)}. ${turn}`;
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
  const now = () => readState(model);
  const place = (row, column) => setTraits(model, { row, column });
  const squareName = (size) => `${size}×${size}`;
  const pick = (label, options, onInput) =>
    select(life, { label, options, value: "", onInput: (text) => setTraits(model, onInput(options.indexOf(text))) });
  const along = (name) => slider(life, { label: name, min: 0, max: 1, value: 0,
    write: (n) => String(n * model.get("stride")),
    onInput: (n) => place(...["row", "column"].map((each) => (each === name ? n : now()[each]))) });
  const controls = {
    picture: pick("picture", model.get("titles"), (picture) => ({ picture })),
    size: pick("square", model.get("sizes").map(squareName), (k) => ({ size: model.get("sizes")[k] })),
    row: along("row"),
    column: along("column"),
    telling: button(life, { label: "To the most telling place", title: "Where the lead is smallest",
      onClick: () => place(...mostTelling(now().leads)) }),
  };
  const [covered, places, bars] = [coveredPicture(life, now, place), placesPicture(life, now, place), shareBars()];
  const field = arrowField(life, { name: "cb-cover", part: covered,
    label: "picture with a square: arrow keys move the square",
    onMove([down, right]) {
      const { row, column, rows, columns } = now();
      place(between(row + down, 0, rows - 1), between(column + right, 0, columns - 1));
    } });
  const legend = element("p", { class: "cb-note" }, "The lead (its score minus the best other score) for every place of the square: red above 0, white 0, blue with a dot below. Click a place to go there.");
  const show = () => {
    const state = now();
    [controls.row.input.max, controls.column.input.max] = [state.rows - 1, state.columns - 1];
    const shown = { ...state, picture: state.titles[state.picture], size: squareName(state.size) };
    for (const name of ["picture", "size", "row", "column"]) controls[name].set(shown[name]);
    for (const part of [covered, places, bars]) part.draw(state);
    said.say(describe(state));
  };
  root.append(
    controlsRow(...Object.values(controls)),
    element("div", { class: "cb-flow" }, field, element("div", { class: "cb-allplaces" }, places, legend),
      element("div", { class: "cb-told" }, bars, said)),
  );
  life.follow(model, ["picture", "size", "row", "column"], show);
  show();
  return life.end;
}

export default { render };
