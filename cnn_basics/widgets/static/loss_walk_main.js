// The loss walk: its controls, and what follows from them.

/** Choose surface, rule, learning rate, start and step; returns their node and `show(state)`. */
function walkControls(life, model, { drop, goTo }) {
  const rules = model.get("rules");
  const keyOf = (name) => Object.keys(rules).find((key) => rules[key] === name);
  const rateAt = (index) => model.get("rates")[Math.min(index, model.get("rates").length - 1)];
  const startBar = (label, axis) =>
    slider(life, {
      label, min: -1, max: 1, step: "any", value: 0, write: (number) => write(number),
      onInput: (value) => drop(model.get("start").map((n, k) => (k === axis ? value : n))) });
  const controls = {
    surface: select(life, {
      label: "surface", options: model.get("surfaces"), value: model.get("surface"),
      onInput: (name) => setTraits(model, { surface: name, start: model.get("homes")[name], step: 0 }) }),
    rule: select(life, {
      label: "rule", options: Object.values(rules), value: "",
      onInput: (name) => setTraits(model, { rule: keyOf(name) }) }),
    rate: slider(life, {
      label: "learning rate", min: 0, max: 1, value: 0, write: (index) => String(rateAt(index)),
      onInput: (index) => setTraits(model, { learning_rate: rateAt(index) }) }),
    first: startBar("start: first weight", 0),
    second: startBar("start: second weight", 1),
  };
  const step = slider(life, { label: "after step", min: 0, max: 1, value: 0, onInput: goTo });
  const show = (state) => {
    controls.surface.set(state.surface);
    controls.rule.set(rules[state.rule]);
    controls.rate.input.max = state.rates.length - 1;
    controls.rate.set(state.rates.indexOf(state.learning_rate));
    ["first", "second"].forEach((name, k) => {
      const [low, high] = state.limits[k];
      const step = Number(((high - low) / 20).toFixed(9)); // 0.22000000000000003 would miss the end
      Object.assign(controls[name].input, { min: low, max: high, step });
      controls[name].set(state.start[k]);
    });
    step.input.max = state.path.length - 1;
    step.set(state.step);
  };
  return { nodes: Object.values(controls).map(({ node }) => node), step: step.node, show };
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Loss walk");
  const said = liveText();
  const NAMES = ["surface", "rule", "learning_rate", "start", "step", "path", "losses", "numbers",
    "sentences", "picture", "limits", "rates", "steps"];
  let waiting = false;
  const show = () => {
    waiting = false;
    const state = Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
    state.step = Math.min(state.step, state.path.length - 1); // the path may have shrunk just now
    for (const part of [controls, surface, losses, numbers]) (part.draw ?? part.show)(state);
    const sentence = state.sentences[state.step];
    if (said.node.textContent !== sentence) said.say(sentence);
    said.node.classList.toggle("cb-alert", sentence.startsWith("Diverges"));
  };
  const later = () => {
    if (!waiting) queueMicrotask(() => life.ended || show());
    waiting = true;
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
    pace: PACE,
  });
  const surface = surfacePlot(life, drop);
  const [losses, numbers] = [lossPlot(), numberList()];
  const field = element("div", {
    class: "cb-ground", role: "group", tabindex: "0",
    "aria-label": "surface, seen from above: arrow keys move the start of the ball" }, surface.node);
  life.listen(field, "keydown", (event) => {
    const way = KEYS[event.key];
    if (!way) return;
    event.preventDefault();
    const size = event.shiftKey ? 10 : 50;
    const moved = model.get("limits").map(([low, high], k) =>
      clamp(model.get("start")[k] + (way[k] * (high - low)) / size, low, high));
    drop(moved);
  });
  root.append(
    element("div", { class: "cb-controls" }, ...controls.nodes),
    element("div", { class: "cb-controls" }, player.node, controls.step),
    element("div", { class: "cb-walk" }, field, element("div", { class: "cb-told" }, numbers.node, losses.node, said.node)),
  );
  said.node.classList.add("cb-sentence");
  life.follow(model, NAMES, later);
  show();
  return () => {
    life.ended = true;
    life.end();
  };
}

export default { render };
