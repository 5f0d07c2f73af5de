// A ball on a loss surface. Python computes the walk; the page shows it step by step.

const SIZE = { width: 400, height: 320, left: 40, top: 8, right: 12, bottom: 38 };
const CURVE = { width: 320, height: 130, left: 44, top: 8, right: 12, bottom: 34 };
const NAMES = ["surface", "rule", "learning_rate", "start", "step", "path", "losses", "numbers",
  "sentences", "picture", "limits", "rates", "steps"];

const text = (x, y, words, anchor = "middle", more = {}) =>
  shape("text", { x, y, "text-anchor": anchor, ...more }, words);
const dots = (places) => places.map(([x, y]) => `M${x} ${y}h0`).join("");
const line = (places) => (places.length ? `M${places.map((place) => place.join(" ")).join("L")}` : "");
const round = (places) => places.map((place) => place.map((n) => Math.round(n * 10) / 10));
const paths = (...names) => names.map((name) => shape("path", { class: name }));

/** An empty drawing with room for axes; what is in `inside` is cut off at its frame. */
function plot(box, name, parts, above) {
  const clip = `cb-${own}-${(partsMade += 1)}`;
  const { left, top, width, height } = box;
  const frame = { x: left, y: top, width, height };
  const ticks = shape("g", { class: "cb-ticks" });
  const node = drawing(name, shape("clipPath", { id: clip }, shape("rect", frame)),
    shape("g", { "clip-path": `url(#${clip})` }, ...parts),
    shape("rect", { ...frame, class: "cb-frame" }), above, ticks);
  put(node, { viewBox: `0 0 ${left + width + box.right} ${top + height + box.bottom}` });
  return { node, ticks };
}

/** Whole numbers, not too many, between two ends. */
function wholeTicks([low, high]) {
  const gap = Math.ceil((high - low) / 6);
  const first = Math.ceil(low / gap) * gap;
  return range(Math.floor((high - first) / gap) + 1).map((k) => first + k * gap);
}

/** The surface from above, with the path and the ball; `onPick` gets where it is pointed at. */
function surfacePlot(life, onPick) {
  const { left, top, width, height } = SIZE;
  const image = shape("image", { x: left, y: top, width, height, preserveAspectRatio: "none" });
  const [future, casing, past, points] = paths("cb-future", "cb-casing", "cb-past", "cb-points");
  const start = shape("rect", { width: 10, height: 10, class: "cb-start" });
  const ball = shape("circle", { r: 8, class: "cb-ball" });
  const { node, ticks } = plot(SIZE, "cb-surface", [image, future, casing, past, points, start], ball);
  let limits = [[0, 1], [0, 1]];
  const toPage = ([x, y]) => [
    left + (width * (x - limits[0][0])) / (limits[0][1] - limits[0][0]),
    top + height * (1 - (y - limits[1][0]) / (limits[1][1] - limits[1][0])),
  ];
  drag(life, node, ({ x, y }) => {
    const shares = [(x - left) / width, 1 - (y - top) / height];
    onPick(limits.map(([low, high], k) => low + between(shares[k], 0, 1) * (high - low)));
  });
  const drawAxes = () => ticks.replaceChildren(
    ...wholeTicks(limits[0]).map((n) => text(toPage([n, 0])[0], top + height + 15, writeNumber(n))),
    ...wholeTicks(limits[1]).map((n) => text(left - 6, toPage([0, n])[1] + 4, writeNumber(n), "end")),
    text(left + width / 2, top + height + 32, "first weight"),
    text(11, top + height / 2, "second weight", "middle", { transform: `rotate(-90 11 ${top + height / 2})` }));
  /** Show the path up to a step, what follows as a thin line, and the ball at the edge if it left. */
  const draw = (state) => {
    limits = state.limits;
    if (image.getAttribute("href") !== state.picture) drawAxes();
    put(image, { href: state.picture });
    const places = round(state.path.map((point) => toPage(point)));
    const walked = places.slice(0, state.step + 1);
    put(future, { d: line(places.slice(state.step)) });
    for (const part of [casing, past]) put(part, { d: line(walked) });
    put(points, { d: dots(walked.slice(1)) });
    put(start, { x: places[0][0] - 5, y: places[0][1] - 5 });
    const [x, y] = places[state.step];
    const [cx, cy] = [between(x, left, left + width), between(y, top, top + height)];
    put(ball, { cx, cy, class: cx === x && cy === y ? "cb-ball" : "cb-ball cb-outside" });
  };
  return { node, draw };
}

/** The loss after each step, every power of ten equally high. */
function lossPlot() {
  const { left, top, width, height } = CURVE;
  const [curve, walked] = paths("cb-curve", "cb-walked");
  const now = shape("circle", { r: 5, class: "cb-ball" });
  const { node, ticks } = plot(CURVE, "cb-losses", [curve, walked], now);
  const draw = ({ losses, step, steps }) => {
    const powers = losses.map((loss) => Math.log10(Math.max(loss, 1e-12)));
    const low = Math.floor(Math.min(...powers));
    const high = Math.max(Math.ceil(Math.max(...powers)), low + 1);
    const toPage = (k, power) => [left + (width * k) / steps, top + (height * (high - power)) / (high - low)];
    const places = round(powers.map((power, k) => toPage(k, power)));
    put(curve, { d: line(places) });
    put(walked, { d: line(places.slice(0, step + 1)) });
    put(now, { cx: places[step][0], cy: places[step][1] });
    const power = (n) => shape("tspan", {}, "10", shape("tspan", { dy: -5, "font-size": "9px" }, writeNumber(n)));
    ticks.replaceChildren(
      ...[0, steps / 2, steps].map((k) => text(toPage(k, 0)[0], top + height + 15, String(k))),
      ...wholeTicks([low, high]).map((n) => text(left - 8, toPage(0, n)[1] + 5, power(n), "end")),
      text(left + width / 2, top + height + 30, "loss after each step"));
  };
  return { node, draw };
}

/** The numbers of one step. */
function numberList() {
  const { node, values } = valueList("cb-numbers", ["step", "weights", "gradient", "loss"]);
  const draw = ({ numbers, step, path }) => {
    const [first, second, across, along, loss] = numbers[step];
    const words = [`${step} of ${path.length - 1}`, `(${first}, ${second})`, `(${across}, ${along})`, loss];
    words.forEach((word, k) => (values[k].textContent = word));
  };
  return { node, draw };
}

/** Choose surface, rule, learning rate, start and step; returns their parts and `draw(state)`. */
function walkControls(life, model, { drop, goTo }) {
  const rules = model.get("rules");
  const rateAt = (index) => model.get("rates")[Math.min(index, model.get("rates").length - 1)];
  const bar = (label, onInput, more = {}) => slider(life, { label, min: 0, max: 1, value: 0, onInput, ...more });
  const startBar = (label, axis) =>
    bar(label, (value) => drop(model.get("start").with(axis, value)), { step: "any", write: writeNumber });
  const surface = select(life, { label: "surface", options: model.get("surfaces"), value: model.get("surface"),
    onInput: (name) => setTraits(model, { surface: name, start: model.get("homes")[name], step: 0 }) });
  const rule = select(life, { label: "rule", options: Object.values(rules), value: "",
    onInput: (name) => setTraits(model, { rule: Object.keys(rules).find((key) => rules[key] === name) }) });
  const rate = bar("learning rate", (index) => setTraits(model, { learning_rate: rateAt(index) }),
    { write: (index) => String(rateAt(index)) });
  const starts = [startBar("start: first weight", 0), startBar("start: second weight", 1)];
  const step = bar("after step", goTo);
  const draw = (state) => {
    surface.set(state.surface);
    rule.set(rules[state.rule]);
    rate.input.max = state.rates.length - 1;
    rate.set(state.rates.indexOf(state.learning_rate));
    starts.forEach((start, k) => {
      const [min, max] = state.limits[k];
      const step = Number(((max - min) / 20).toFixed(9)); // 0.22000000000000003 would miss the end
      Object.assign(start.input, { min, max, step });
      start.set(state.start[k]);
    });
    step.input.max = state.path.length - 1;
    step.set(state.step);
  };
  return { choices: [surface, rule, rate, ...starts], step, draw };
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Loss walk");
  const said = liveText("cb-sentence");
  const show = () => {
    const state = Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
    state.step = Math.min(state.step, state.path.length - 1); // the path may have shrunk just now
    for (const part of [controls, surface, losses, numbers]) part.draw(state);
    const sentence = state.sentences[state.step];
    said.say(sentence);
    said.node.classList.toggle("cb-alert", sentence.startsWith("Diverges"));
  };
  const last = () => model.get("path").length - 1;
  const goTo = (step) => setTraits(model, { step });
  const drop = (start) => (player.stop(), setTraits(model, { start, step: 0 }));
  const next = (starting = false) => {
    const now = Math.min(model.get("step"), last());
    goTo(starting && now === last() ? 0 : Math.min(now + 1, last()));
    return model.get("step") >= last();
  };
  const controls = walkControls(life, model, { drop, goTo: (step) => (player.stop(), goTo(step)) });
  const player = playBar(life, {
    next,
    reset: () => setTraits(model, structuredClone(model.get("first"))),
    onPlaying: (on) => said.node.setAttribute("aria-live", on ? "off" : "polite"),
    titles: { play: "Through all steps", step: "To the next step", reset: "Back to the first settings" },
    pace: 350,
  });
  const [surface, losses, numbers] = [surfacePlot(life, drop), lossPlot(), numberList()];
  const field = arrowField(life, { name: "cb-ground", part: surface,
    label: "surface, seen from above: arrow keys move the start of the ball",
    onMove([down, right], { shiftKey }) {
      const move = ([low, high], k) => [right, -down][k] * (high - low) / (shiftKey ? 10 : 50);
      drop(model.get("limits").map((ends, k) => between(model.get("start")[k] + move(ends, k), ...ends)));
    } });
  root.append(
    controlsRow(...controls.choices), controlsRow(player, controls.step),
    element("div", { class: "cb-flow" }, field, element("div", { class: "cb-told" }, numbers, losses, said)),
  );
  life.follow(model, NAMES, life.soon(show));
  show();
  return life.end;
}

export default { render };
