// Drawings that can be pointed at and moved in by keys: what loss walk and occlusion share.

/** Set attributes that are not so already. */
function put(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
}

/** Make an element of a drawing. */
function shape(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  put(node, attributes);
  node.append(...children);
  return node;
}

/** A drawing; it is told to those who do not see it by the words beside it. */
const drawing = (name, ...children) =>
  shape("svg", { class: `cb-drawing ${name}`, "aria-hidden": "true" }, ...children);

/** Tell where the pointer is, in the drawing's own units, when it is pressed and while it drags. */
function drag(life, node, onPlace) {
  const tell = ({ clientX, clientY }) =>
    onPlace(new DOMPoint(clientX, clientY).matrixTransform(node.getScreenCTM().inverse()));
  life.listen(node, "pointerdown", (event) => {
    if (event.button !== 0) return;
    node.setPointerCapture(event.pointerId);
    tell(event);
  });
  life.listen(node, "pointermove", (event) => node.hasPointerCapture(event.pointerId) && tell(event));
}

/** A field around a drawing; `onMove([down, right], event)` gets the way of each arrow key. */
function arrowField(life, { name, label, part, onMove }) {
  const field = element("div", { class: name, role: "group", tabindex: "0", "aria-label": label }, part);
  life.listen(field, "keydown", (event) => {
    if (!ARROWS[event.key]) return;
    event.preventDefault();
    onMove(ARROWS[event.key], event);
  });
  return field;
}

/** A list of named values, each with more beside it; returns its node and the values' nodes. */
function valueList(kind, names, more = () => []) {
  const values = names.map(() => element("dd"));
  const row = (name, k) => element("div", {}, element("dt", {}, name), values[k], ...more(k));
  return { node: element("dl", { class: `cb-list ${kind}` }, ...names.map(row)), values };
}
