// Shared parts of the widgets that run in the page. Joined in front of a widget's own script into
// one ES module: no imports, no build step, nothing from the network.

const own = Math.random().toString(36).slice(2); // every widget loads a copy of this file
let partsMade = 0; // together they give labels an id that no other part of the page has

/** Make an element with attributes (false and null are left out) and children, or parts' nodes. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.map((child) => child.node ?? child));
  return node;
}

/** The numbers 0 to n − 1. */
const range = (n) => Array.from({ length: n }, (_, k) => k);

/** An array of rows, each entry made from its row and column. */
const matrix = (rows, columns, make) => range(rows).map((r) => range(columns).map((c) => make(r, c)));

/** The number, or the end of low…high that it is beyond. */
const between = (number, low, high) => Math.min(Math.max(number, low), high);

/** Which way arrow keys lead: rows down, columns to the right. */
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Write a number with at most two decimals and a real minus sign: 3, −2, 0.25. */
export function writeNumber(value) {
  const rounded = Math.round(value * 100) / 100;
  return (rounded < 0 ? "−" : "") + Math.abs(rounded);
}

/** Collect what must be undone when a view goes: listeners, observers, timers. */
export function lifetime() {
  const undo = [];
  let ended = false;
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
    /** What does `action` once, after all that changes now, however often it is asked to. */
    soon(action) {
      let waiting = false;
      const act = () => ((waiting = false), ended || action());
      return () => (waiting ||= (queueMicrotask(act), true));
    },
    /** Do something at the end. */
    atEnd: (action) => undo.push(action),
    end() {
      ended = true;
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
export function panel(life, el, label, kind = "") {
  const root = element("div", { class: `cb-panel ${kind}`, role: "group", "aria-label": label });
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
export function liveText(kind = "") {
  const node = element("div", { class: `cb-live ${kind}`, "aria-live": "polite" });
  const isSaid = (content) => content.length === 1 && content[0] === node.textContent;
  return { node, say: (...content) => isSaid(content) || node.replaceChildren(...content) };
}

/** A row of controls. */
const controlsRow = (...parts) => element("div", { class: "cb-controls" }, ...parts);

/** Where an arrow key, Home, End or Page key leads from a cell, or null for other keys. */
export function moveByKey(event, row, column, rows, columns) {
  const [down, right] = ARROWS[event.key] ?? [0, 0];
  const jumps = {
    Home: event.ctrlKey ? [0, 0] : [row, 0],
    End: event.ctrlKey ? [rows - 1, columns - 1] : [row, columns - 1],
    PageUp: [0, column],
    PageDown: [rows - 1, column],
  };
  const jump = jumps[event.key] ?? (ARROWS[event.key] && [row + down, column + right]);
  return jump ? [between(jump[0], 0, rows - 1), between(jump[1], 0, columns - 1)] : null;
}
