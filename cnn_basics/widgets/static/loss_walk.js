// A ball on a loss surface. Python computes the walk; the page shows it step by step.

const SIZE = { width: 400, height: 320, left: 40, top: 8, right: 12, bottom: 38 };
const CURVE = { width: 320, height: 130, left: 44, top: 8, right: 12, bottom: 34 };
const PACE = 350; // milliseconds for one step while it plays
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Make an element of a drawing. */
function shape(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** An empty drawing with room for axes; what is in `inside` is cut off at its frame. */
function plot(box, name) {
  const clip = `cb-${own}-${(partsMade += 1)}`;
  const { left, top, width, height } = box;
  const frame = { x: left, y: top, width, height };
  const inside = shape("g", { "clip-path": `url(#${clip})` });
  const ticks = shape("g", { class: "cb-ticks" });
  const view = `0 0 ${left + width + box.right} ${top + height + box.bottom}`;
  const node = shape("svg", { viewBox: view, class: name, "aria-hidden": "true" },
    shape("clipPath", { id: clip }, shape("rect", frame)), inside,
    shape("rect", { ...frame, class: "cb-frame" }), ticks);
  return { node, inside, ticks };
}

/** Set attributes that are not so already. */
function put(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
}

const write = (value) => String(Math.round(value * 100) / 100).replace("-", "−");
const text = (x, y, words, more = {}) => shape("text", { x, y, ...more }, words);
const dots = (places) => places.map(([x, y]) => `M${x} ${y}h0`).join("");
const line = (places) => (places.length ? `M${places.map((place) => place.join(" ")).join("L")}` : "");
const clamp = (number, low, high) => Math.min(Math.max(number, low), high);
const round = (places) => places.map((place) => place.map((n) => Math.round(n * 10) / 10));

/** Whole numbers, not too many, between two ends. */
function wholeTicks([low, high]) {
  const gap = Math.ceil((high - low) / 6);
  const first = Math.ceil(low / gap) * gap;
  return Array.from({ length: Math.floor((high - first) / gap) + 1 }, (_, k) => first + k * gap);
}

/** The surface from above, with the path and the ball; `onPick` gets where it is pointed at. */
function surfacePlot(life, onPick) {
  const { node, inside, ticks } = plot(SIZE, "cb-surface");
  const { left, top, width, height } = SIZE;
  const image = shape("image", { x: left, y: top, width, height, preserveAspectRatio: "none" });
  const [future, past, points] = ["cb-future", "cb-past", "cb-points"].map((name) => shape("path", { class: name }));
  const casing = shape("path", { class: "cb-casing" });
  const start = shape("rect", { width: 10, height: 10, class: "cb-start" });
  const ball = shape("circle", { r: 8, class: "cb-ball" });
  inside.append(image, future, casing, past, points, start);
  node.insertBefore(ball, ticks);
  let limits = [[0, 1], [0, 1]];
  const toPage = ([x, y]) => [
    left + (width * (x - limits[0][0])) / (limits[0][1] - limits[0][0]),
    top + height * (1 - (y - limits[1][0]) / (limits[1][1] - limits[1][0])),
  ];
  const pick = (event) => {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(node.getScreenCTM().inverse());
    const shares = [(place.x - left) / width, 1 - (place.y - top) / height];
    onPick(shares.map((share, k) => limits[k][0] + clamp(share, 0, 1) * (limits[k][1] - limits[k][0])));
  };
  life.listen(node, "pointerdown", (event) => {
    if (event.button !== 0) return;
    node.setPointerCapture(event.pointerId);
    pick(event);
  });
  life.listen(node, "pointermove", (event) => node.hasPointerCapture(event.pointerId) && pick(event));

  const drawAxes = () => {
    const along = wholeTicks(limits[0]).map((n) => [toPage([n, 0])[0], n]);
    const up = wholeTicks(limits[1]).map((n) => [toPage([0, n])[1], n]);
    ticks.replaceChildren(
      ...along.map(([x, n]) => text(x, top + height + 15, write(n), { "text-anchor": "middle" })),
      ...up.map(([y, n]) => text(left - 6, y + 4, write(n), { "text-anchor": "end" })),
      text(left + width / 2, top + height + 32, "first weight", { "text-anchor": "middle" }),
      text(11, top + height / 2, "second weight", {
        "text-anchor": "middle", transform: `rotate(-90 11 ${top + height / 2})` }));
  };
  /** Show the path up to a step, what follows as a thin line, and the ball at the edge if it left. */
  const draw = (state) => {
    limits = state.limits;
    if (image.getAttribute("href") !== state.picture) {
      put(image, { href: state.picture });
      drawAxes();
    }
    const places = round(state.path.map((point) => toPage(point)));
    const walked = places.slice(0, state.step + 1);
    put(future, { d: line(places.slice(state.step)) });
    for (const part of [casing, past]) put(part, { d: line(walked) });
    put(points, { d: dots(walked.slice(1)) });
    put(start, { x: places[0][0] - 5, y: places[0][1] - 5 });
    const [x, y] = places[state.step];
    const at = [clamp(x, left, left + width), clamp(y, top, top + height)];
    put(ball, { cx: at[0], cy: at[1], class: at[0] === x && at[1] === y ? "cb-ball" : "cb-ball cb-outside" });
  };
  return { node, draw };
}

/** The loss after each step, every power of ten equally high. */
function lossPlot() {
  const { node, inside, ticks } = plot(CURVE, "cb-losses");
  const { left, top, width, height } = CURVE;
  const [curve, walked] = ["cb-curve", "cb-walked"].map((name) => shape("path", { class: name }));
  const now = shape("circle", { r: 5, class: "cb-ball" });
  inside.append(curve, walked);
  node.insertBefore(now, ticks);
  const draw = ({ losses, step, steps }) => {
    const powers = losses.map((loss) => Math.log10(Math.max(loss, 1e-12)));
    const low = Math.floor(Math.min(...powers));
    const high = Math.max(Math.ceil(Math.max(...powers)), low + 1);
    const toPage = (k, power) => [left + (width * k) / steps, top + (height * (high - power)) / (high - low)];
    const places = round(powers.map((power, k) => toPage(k, power)));
    put(curve, { d: line(places) });
    put(walked, { d: line(places.slice(0, step + 1)) });
    put(now, { cx: places[step][0], cy: places[step][1] });
    const power = (n) => shape("tspan", {}, "10", shape("tspan", { dy: -5, "font-size": "9px" }, write(n)));
    const side = wholeTicks([low, high]);
    ticks.replaceChildren(
      ...[0, steps / 2, steps].map((k) => text(toPage(k, 0)[0], top + height + 15, String(k), { "text-anchor": "middle" })),
      ...side.map((n) => shape("text", { x: left - 8, y: toPage(0, n)[1] + 5, "text-anchor": "end" }, power(n))),
      text(left + width / 2, top + height + 30, "loss after each step", { "text-anchor": "middle" }));
  };
  return { node, draw };
}

/** The numbers of one step. */
function numberList() {
  const names = ["step", "weights", "gradient", "loss"];
  const values = names.map(() => element("dd"));
  const node = element("dl", { class: "cb-numbers" },
    ...names.map((name, k) => element("div", {}, element("dt", {}, name), values[k])));
  const draw = ({ numbers, step, path }) => {
    const [first, second, across, along, loss] = numbers[step];
    const words = [`${step} of ${path.length - 1}`, `(${first}, ${second})`, `(${across}, ${along})`, loss];
    words.forEach((word, k) => (values[k].textContent = word));
  };
  return { node, draw };
}
