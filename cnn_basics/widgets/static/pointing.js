// Point at a cell, others light up, a sentence follows: what lens, connections and views share.

/** The row and column of the cell that an event's target belongs to, or undefined. */
const placeOf = (target) => target.closest?.("[data-place]")?.dataset.place.split(" ").map(Number);

/**
 * What is shown is the place that is pointed at for the moment, else the chosen one. `chosen()`
 * tells it, `choose(place)` keeps another, and `show(place)` lights it up.
 */
export function pointing({ chosen, choose, show }) {
  let pointed = null;
  const update = () => show(pointed ?? chosen());
  const at = (place) => ((pointed = place), update());
  return { at, update, choose: (place) => ((pointed = null), choose(place), update()) };
}

/**
 * A grid of numbers (role grid, one tab stop, arrow keys move). It tells `point` (see `pointing`)
 * where the pointer is, and which cell was clicked, tapped or moved to by key; `place` turns row
 * and column into what `point` takes. What to show is given to `draw`, what to emphasise to
 * `mark`. `field(row, column)` makes an input for each cell, where numbers can be typed.
 */
export function grid(life, { label, point, place = (...at) => at, field = null }) {
  const table = element("div", { class: "cb-grid", role: "grid" });
  const heads = element("div", { class: "cb-heads", "aria-hidden": "true" });
  const sides = element("div", { class: "cb-sides", "aria-hidden": "true" });
  const title = element("div", { class: "cb-title" });
  const around = element("div", { class: "cb-field" }, element("span"), heads, sides, table);
  const node = element("div", { class: "cb-gridbox" }, title, around);
  const marks = new Map();
  let cells = [];
  let home = [0, 0];

  const face = (row, column) => cells[row]?.[column]?.querySelector("input") ?? cells[row]?.[column];
  const setHome = (row, column) => {
    face(...home)?.setAttribute("tabindex", "-1");
    home = [row, column];
    face(...home)?.setAttribute("tabindex", "0");
  };
  const focus = (row, column) => {
    setHome(row, column);
    face(row, column)?.focus();
  };
  const choose = (row, column) => {
    focus(row, column);
    point.choose?.(place(row, column));
  };
  const when = (type, act) =>
    life.listen(table, type, (event) => {
      const at = placeOf(event.target);
      if (at) act(at, event);
    });
  when("pointerover", (at) => point.at(place(...at)));
  life.listen(table, "pointerleave", () => point.at(null));
  when("click", (at) => choose(...at));
  when("keydown", (at, event) => {
    const pressed = event.key === "Enter" || event.key === " ";
    const next = pressed ? at : moveByKey(event, ...at, cells.length, cells[0].length);
    if (!next) return;
    event.preventDefault();
    choose(...next);
  });

  const build = (rows, columns) => {
    const focused = table.contains(document.activeElement);
    marks.clear();
    cells = matrix(rows, columns, (r, c) => {
      const cell = element("div", { role: "gridcell", class: "cb-cell", "data-place": `${r} ${c}` });
      if (field) cell.append(field(r, c));
      (cell.firstChild ?? cell).setAttribute("tabindex", "-1");
      return cell;
    });
    table.replaceChildren(...cells.map((row) => element("div", { role: "row", class: "cb-row" }, ...row)));
    setHome(Math.min(home[0], rows - 1), Math.min(home[1], columns - 1));
    if (focused) focus(...home);
  };
  const fill = (row, column, { text, label: name, kind = "", tint = 0 }) => {
    const cell = cells[row][column];
    if (!field && cell.textContent !== text) cell.textContent = text;
    cell.classList.toggle("cb-long", text.length > 3);
    if (face(row, column).getAttribute("aria-label") !== name) face(row, column).setAttribute("aria-label", name);
    if (cell.dataset.kind !== kind) cell.dataset.kind = kind;
    cell.style.setProperty("--cb-tint", tintColour(tint));
  };

  return {
    node,
    table,
    face,
    focus,
    setHome,
    /**
     * Show `content[row][column] = { text, label, kind, tint }`: the text, its accessible name,
     * words for the style sheet (`padding`, `unseen`), and −1…1 for the colour.
     */
    draw(content, { title: text = label, rowNames = [], columnNames = [] } = {}) {
      const [rows, columns] = [content.length, content[0].length];
      if (cells.length !== rows || cells[0]?.length !== columns) build(rows, columns);
      content.forEach((row, r) => row.forEach((cell, c) => fill(r, c, cell)));
      title.textContent = text;
      table.setAttribute("aria-label", `${text}, ${rows} rows, ${columns} columns`);
      heads.replaceChildren(...columnNames.map((name) => element("span", {}, String(name))));
      sides.replaceChildren(...rowNames.map((name) => element("span", {}, String(name))));
    },
    /** Put a mark (a class `cb-…`) on these places and take it off all others. */
    mark(name, places) {
      const wanted = new Set(places.map(([r, c]) => cells[r]?.[c]).filter(Boolean));
      for (const cell of marks.get(name) ?? []) if (!wanted.has(cell)) cell.classList.remove(`cb-${name}`);
      for (const cell of wanted) cell.classList.add(`cb-${name}`);
      if (name === "lit") frame(wanted);
      marks.set(name, wanted);
    },
  };
}

/** Draw one frame around marked cells that touch: each says at which sides it has no neighbour. */
function frame(marked) {
  const places = new Set([...marked].map((cell) => cell.dataset.place));
  const beside = { top: [-1, 0], right: [0, 1], bottom: [1, 0], left: [0, -1] };
  for (const cell of marked) {
    const [row, column] = placeOf(cell);
    for (const [side, [down, right]] of Object.entries(beside)) {
      const open = !places.has(`${row + down} ${column + right}`);
      cell.style.setProperty(`--cb-${side}`, open ? "3px" : "0px");
    }
  }
}

/** The colour of −1…1: orange below zero, blue above, none at zero; the number says it too. */
function tintColour(value) {
  const strength = Math.min(Math.abs(value), 1) * 0.42;
  const hue = value < 0 ? "230 159 0" : "0 114 178";
  return strength ? `rgb(${hue} / ${strength.toFixed(3)})` : "transparent";
}
