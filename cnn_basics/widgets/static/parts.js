// Shared parts of the widgets that run in the page. Joined in front of a widget's own script into
// one ES module: no imports, no build step, nothing from the network.

const own = Math.random().toString(36).slice(2); // every widget loads a copy of this file
let partsMade = 0; // together they give labels an id that no other part of the page has

/** Make an element with attributes (false and null are left out) and children. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** Write a number with at most two decimals and a real minus sign: 3, −2, 0.25. */
export function writeNumber(value) {
  const rounded = Math.round(value * 100) / 100;
  return (rounded < 0 ? "−" : "") + Math.abs(rounded);
}

/** Whether the reader asked the system for less motion. */
export function motionIsOff() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Collect what must be undone when a view goes: listeners, observers, timers. */
export function lifetime() {
  const undo = [];
  return {
    /** Listen to DOM events of `target`. */
    listen(target, type, handler, options) {
      target.addEventListener(type, handler, options);
      undo.push(() => target.removeEventListener(type, handler, options));
    },
    /** Call `handler` whenever one of the model's traits changes, here, in Python or elsewhere. */
    follow(model, names, handler) {
      for (const name of names) {
        model.on(`change:${name}`, handler);
        undo.push(() => model.off(`change:${name}`, handler));
      }
    },
    /** Do something at the end. */
    atEnd(action) {
      undo.push(action);
    },
    end() {
      while (undo.length) undo.pop()();
    },
  };
}

/** Set traits of the model and tell Python. */
export function setTraits(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

/**
 * Inside of `root` keys belong to the widget, not to the notebook's shortcuts (JupyterLab leaves
 * focused elements with this attribute alone). Escape leaves: the focus goes to `outside`, where
 * the notebook's keys work again.
 */
export function ownKeys(life, root, outside) {
  outside.setAttribute("tabindex", "-1");
  life.listen(root, "focusin", (event) => {
    if (event.target !== outside) event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  });
  life.listen(root, "keydown", (event) => {
    if (event.key !== "Escape" || event.target === outside) return;
    event.preventDefault();
    event.stopPropagation();
    outside.focus();
  });
}

/** The frame of a widget, with its own keys; returns where to put the widget's parts. */
export function panel(life, el, label) {
  const root = element("div", { class: "cb-panel", role: "group", "aria-label": label });
  el.classList.add("cb-widget");
  ownKeys(life, root, el);
  el.append(root);
  life.atEnd(() => root.remove());
  return root;
}

/** A control with its visible label. */
function labelled(label, input, ...after) {
  input.id = `cb-${own}-${(partsMade += 1)}`;
  const name = element("label", { for: input.id, class: "cb-label" }, label);
  return element("div", { class: "cb-control" }, name, input, ...after);
}

/**
 * A slider; `onInput` gets every value on the way. `write` turns a value into what is shown and
 * read out, where that is not the number itself.
 */
export function slider(life, { label, min, max, step = 1, value, onInput, write = null }) {
  const input = element("input", { type: "range", min, max, step });
  const shown = element("span", { class: "cb-value", "aria-hidden": "true" });
  const tell = (number) => {
    shown.textContent = write ? write(number) : input.value;
    if (write) input.setAttribute("aria-valuetext", shown.textContent);
  };
  const set = (number) => {
    input.value = number;
    tell(number);
  };
  set(value);
  life.listen(input, "input", () => {
    tell(Number(input.value));
    onInput(Number(input.value));
  });
  return { node: labelled(label, input, shown), input, set };
}

/** A drop-down list; `options` is a list of texts. */
export function select(life, { label, options, value, onInput }) {
  const input = element("select");
  const set = (text) => (input.value = text);
  const offer = (texts) => {
    const kept = input.value;
    input.replaceChildren(...texts.map((text) => element("option", { value: text }, text)));
    set(kept);
  };
  offer(options);
  set(value);
  life.listen(input, "change", () => onInput(input.value));
  return { node: labelled(label, input), input, set, offer };
}

/** A box to tick. */
export function checkbox(life, { label, value, onInput }) {
  const input = element("input", { type: "checkbox" });
  const set = (on) => (input.checked = on);
  set(value);
  life.listen(input, "change", () => onInput(input.checked));
  return { node: labelled(label, input), input, set };
}

/** A button; `setText` changes its text. */
export function button(life, { label, title = null, onClick }) {
  const node = element("button", { type: "button", class: "cb-button", title }, label);
  life.listen(node, "click", onClick);
  return { node, setText: (text) => (node.textContent = text) };
}

/** Text that screen readers read out when it changes; `say` takes texts and elements. */
export function liveText(kind = "polite") {
  const node = element("div", { class: "cb-live", "aria-live": kind });
  return { node, say: (...content) => node.replaceChildren(...content) };
}

/** Where an arrow key, Home, End or Page key leads from a cell, or null for other keys. */
export function moveByKey(event, row, column, rows, columns) {
  const jumps = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: event.ctrlKey ? [0, 0] : [row, 0],
    End: event.ctrlKey ? [rows - 1, columns - 1] : [row, columns - 1],
    PageUp: [0, column],
    PageDown: [rows - 1, column],
  };
  const jump = jumps[event.key];
  if (!jump) return null;
  const inside = (n, count) => Math.min(Math.max(n, 0), count - 1);
  return [inside(jump[0], rows), inside(jump[1], columns)];
}

/**
 * A grid of numbers (role grid, one tab stop, arrow keys move). It reports where the pointer is
 * (`onHover(row, column)`, `onLeave()`) and which cell was clicked, tapped or moved to by key
 * (`onChoose(row, column)`); what to show is given to `draw`, what to emphasise to `mark`.
 */
export function grid(life, { label, onHover, onLeave, onChoose }) {
  const table = element("div", { class: "cb-grid", role: "grid" });
  const heads = element("div", { class: "cb-heads", "aria-hidden": "true" });
  const sides = element("div", { class: "cb-sides", "aria-hidden": "true" });
  const title = element("div", { class: "cb-title" });
  const field = element("div", { class: "cb-field" }, element("span"), heads, sides, table);
  const node = element("div", { class: "cb-gridbox" }, title, field);
  const marks = new Map();
  let cells = [];
  let home = [0, 0];

  const placeOf = (target) => {
    const cell = target.closest?.("[data-place]");
    return cell && table.contains(cell) ? cell.dataset.place.split(" ").map(Number) : null;
  };
  const setHome = (row, column) => {
    cells[home[0]]?.[home[1]]?.setAttribute("tabindex", "-1");
    home = [row, column];
    cells[row]?.[column]?.setAttribute("tabindex", "0");
  };
  const report = (handler) => (event) => {
    const place = placeOf(event.target);
    if (place) handler?.(...place);
  };
  const focus = (row, column) => {
    setHome(row, column);
    cells[row]?.[column]?.focus();
  };

  life.listen(table, "pointerover", report(onHover));
  life.listen(table, "pointerleave", () => onLeave?.());
  life.listen(table, "click", report((row, column) => (focus(row, column), onChoose?.(row, column))));
  life.listen(table, "keydown", (event) => {
    const place = placeOf(event.target);
    const next = place && moveByKey(event, ...place, cells.length, cells[0].length);
    if (!next) {
      if (place && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        onChoose?.(...place);
      }
      return;
    }
    event.preventDefault();
    focus(...next);
    onChoose?.(...next);
  });

  const build = (rows, columns) => {
    marks.clear();
    const make = (r, c) =>
      element("div", { role: "gridcell", tabindex: "-1", class: "cb-cell", "data-place": `${r} ${c}` });
    cells = Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => make(r, c)));
    table.replaceChildren(...cells.map((row) => element("div", { role: "row", class: "cb-row" }, ...row)));
    setHome(Math.min(home[0], rows - 1), Math.min(home[1], columns - 1));
  };
  const fill = (cell, { text, label: name, kind = "", tint = 0 }) => {
    if (cell.textContent !== text) cell.textContent = text;
    cell.classList.toggle("cb-long", text.length > 3);
    if (cell.getAttribute("aria-label") !== name) cell.setAttribute("aria-label", name);
    if (cell.dataset.kind !== kind) cell.dataset.kind = kind;
    cell.style.setProperty("--cb-tint", tintColour(tint));
  };

  return {
    node,
    /**
     * Show `content[row][column] = { text, label, kind, tint }`: the text, its accessible name,
     * words for the style sheet (`padding`, `unseen`), and −1…1 for the colour.
     */
    draw(content, { title: text = label, rowNames = [], columnNames = [] } = {}) {
      const [rows, columns] = [content.length, content[0].length];
      if (cells.length !== rows || cells[0]?.length !== columns) {
        const focused = table.contains(document.activeElement);
        build(rows, columns);
        if (focused) focus(...home);
      }
      content.forEach((row, r) => row.forEach((cell, c) => fill(cells[r][c], cell)));
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
    setHome,
    focus,
    cellAt: (row, column) => cells[row]?.[column],
  };
}

/** Draw one frame around marked cells that touch: each says at which sides it has no neighbour. */
export function frame(marked) {
  const places = new Set([...marked].map((cell) => cell.dataset.place));
  const beside = { top: [-1, 0], right: [0, 1], bottom: [1, 0], left: [0, -1] };
  for (const cell of marked) {
    const [row, column] = cell.dataset.place.split(" ").map(Number);
    for (const [side, [down, right]] of Object.entries(beside)) {
      const open = !places.has(`${row + down} ${column + right}`);
      cell.style.setProperty(`--cb-${side}`, open ? "3px" : "0px");
    }
  }
}

/** The colour of −1…1: orange below zero, blue above, none at zero; the number says it too. */
export function tintColour(value) {
  const strength = Math.min(Math.abs(value), 1) * 0.42;
  const hue = value < 0 ? "230 159 0" : "0 114 178";
  return strength ? `rgb(${hue} / ${strength.toFixed(3)})` : "transparent";
}
