// The kernel of the convolution lens: a grid of numbers that can be typed over.

const LARGEST = 1000;

/** Read a number as typed: 2, -1.5, −1.5 or 1/9; null where it is none, or too large. */
export function readNumber(text) {
  const plain = text.trim().replace("−", "-");
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:\/(\d+))?$/.exec(plain);
  const value = match ? Number(match[1]) / Number(match[2] ?? 1) : NaN;
  return Math.abs(value) <= LARGEST ? value : null;
}

/**
 * One slice as a grid of text fields (one tab stop, arrows move; after typing, left and right
 * move the caret). `onEdit(i, j, value)` gets every valid number at once, `onRefuse(sentence)`
 * why a text is none, or "" when all is well again.
 */
function kernelGrid(life, { label, onEdit, onRefuse, onHover, onLeave }) {
  const table = element("div", { class: "cb-grid cb-kernel", role: "grid" });
  const title = element("div", { class: "cb-title" });
  const field = element("div", { class: "cb-field" }, element("span"), element("span"), element("span"), table);
  const node = element("div", { class: "cb-gridbox" }, title, field);
  const marks = new Map();
  let [fields, values, home, typing] = [[], [], [0, 0], false];

  const placeOf = (target) => target.closest("[data-place]")?.dataset.place.split(" ").map(Number);
  const setHome = (i, j) => {
    fields[home[0]]?.[home[1]]?.setAttribute("tabindex", "-1");
    home = [i, j];
    fields[i][j].setAttribute("tabindex", "0");
  };
  const write = (i, j) => {
    fields[i][j].value = writeNumber(values[i][j]);
    fields[i][j].title = String(values[i][j]);
    fields[i][j].removeAttribute("aria-invalid");
  };
  const edit = (input) => {
    const [i, j] = placeOf(input);
    const value = readNumber(input.value);
    typing = true;
    input.setAttribute("aria-invalid", String(value === null));
    const kept = `the kernel keeps ${writeNumber(values[i][j])}`;
    onRefuse(value === null ? `“${input.value}” is no number from −${LARGEST} to ${LARGEST}: ${kept}.` : "");
    if (value !== null) onEdit(i, j, value);
  };
  const move = (event) => {
    const sideways = ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key);
    if (event.key === "Enter") {
      typing = false;
      event.target.select();
    }
    const next = (typing && sideways) || moveByKey(event, ...placeOf(event.target), values.length, values.length);
    if (!Array.isArray(next)) return;
    event.preventDefault();
    fields[next[0]][next[1]].focus();
  };

  life.listen(table, "input", (event) => edit(event.target));
  life.listen(table, "keydown", move);
  life.listen(table, "focusin", (event) => {
    typing = false;
    setHome(...placeOf(event.target));
    event.target.select();
    onHover(...home);
  });
  life.listen(table, "focusout", (event) => {
    write(...placeOf(event.target));
    onLeave();
  });
  life.listen(table, "pointerover", (event) => {
    const place = placeOf(event.target);
    if (place) onHover(...place);
  });
  life.listen(table, "pointerleave", onLeave);

  const build = (k) => {
    marks.clear();
    const range = Array.from({ length: k }, (_, n) => n);
    const make = (i, j) =>
      element("input", { class: "cb-number", inputmode: "decimal", autocomplete: "off", tabindex: "-1",
        "aria-label": `${label}, weight at row ${i}, column ${j}` });
    fields = range.map((i) => range.map((j) => make(i, j)));
    const cell = (input, i, j) =>
      element("div", { role: "gridcell", class: "cb-cell", "data-place": `${i} ${j}` }, input);
    table.replaceChildren(...fields.map((row, i) =>
      element("div", { role: "row", class: "cb-row" }, ...row.map((input, j) => cell(input, i, j)))));
    setHome(0, 0);
  };

  return {
    node,
    /** Show a slice; the field that is being typed into keeps its text. */
    draw(slice, text) {
      values = slice;
      if (fields.length !== slice.length) build(slice.length);
      const largest = Math.max(...slice.flat().map(Math.abs)) || 1;
      slice.forEach((row, i) => row.forEach((value, j) => {
        const input = fields[i][j];
        if (!(typing && input === document.activeElement)) write(i, j);
        input.parentNode.style.setProperty("--cb-tint", tintColour(value / largest));
        input.classList.toggle("cb-long", input.value.length > 3);
      }));
      title.textContent = text;
      table.setAttribute("aria-label", `${text}, ${slice.length} rows, ${slice.length} columns`);
    },
    mark(name, places) {
      const wanted = new Set(places.map(([i, j]) => fields[i]?.[j]?.parentNode).filter(Boolean));
      for (const cell of marks.get(name) ?? []) if (!wanted.has(cell)) cell.classList.remove(`cb-${name}`);
      for (const cell of wanted) cell.classList.add(`cb-${name}`);
      if (name === "lit") frame(wanted);
      marks.set(name, wanted);
    },
  };
}
