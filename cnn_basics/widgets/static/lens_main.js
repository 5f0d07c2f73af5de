// The convolution lens: puts its parts together and keeps them in step with the model.

/** Keep a place inside the grids, whatever the settings became. */
function clampPlace(state, [where, plane, row, column]) {
  const border = where === "input" && !state.transposed ? state.padding : 0;
  const maps = where === "input" ? state.x : state.output;
  const inside = (n, low, high) => Math.min(Math.max(n, low), high);
  return {
    where,
    plane: inside(plane, 0, maps.length - 1),
    row: inside(row, -border, maps[0].length - 1 + border),
    column: inside(column, -border, maps[0][0].length - 1 + border),
  };
}

/** The grids: one input and one kernel slice for each channel, one output for each group. */
function stage(life, model, { onHover, onLeave, onChoose, onKernel, onRefuse }) {
  const channels = model.get("x").length;
  const name = (noun, c) => (channels > 1 ? `${noun}, channel ${c}` : noun);
  const all = Array.from({ length: channels }, (_, c) => c);
  const numbers = (where, c, label) =>
    grid(life, {
      label,
      onHover: (r, k) => onHover(where, c, r, k),
      onLeave,
      onChoose: (r, k) => onChoose(where, c, r, k),
    });
  const edit = (c) => (i, j, value) => {
    const kernel = structuredClone(model.get("kernel"));
    kernel[c][i][j] = value;
    setTraits(model, { kernel });
  };
  const inputs = all.map((c) => numbers("input", c, name("Input", c)));
  const kernels = all.map((c) =>
    kernelGrid(life, {
      label: name("Kernel", c), onEdit: edit(c), onRefuse,
      onHover: (i, j) => onKernel({ channel: c, i, j }), onLeave: () => onKernel(null) }));
  const outputs = all.map((c) => numbers("output", c, "Output"));
  const sign = (text, c) => element("div", { class: "cb-sign", style: `grid-row: ${c + 1}`, "aria-hidden": "true" }, text);
  const rows = all.flatMap((c) => [inputs[c].node, sign("∗", c), kernels[c].node]);
  const equal = all.map((c) => sign("=", c));
  const node = element("div", { class: "cb-stage" }, ...rows, ...outputs.flatMap((o, c) => [equal[c], o.node]));
  all.forEach((c) => ([inputs[c].node, kernels[c].node].forEach((n) => (n.style.gridRow = c + 1))));

  /** Draw all numbers; the outputs stand beside the channels of their group. */
  const draw = (state) => {
    const { transposed, padding, groups } = state;
    const along = (size) => (transposed || state.problem ? [] : unseenAlong(size, state.k, state.stride, padding, state.dilation));
    const unseen = { rows: along(state.height), columns: along(state.width) };
    all.forEach((c) => {
      const { content, names } = cellsOf(state.x[c], transposed ? 0 : padding, unseen, "padding, 0");
      inputs[c].draw(content, { title: name("Input", c), ...names });
      kernels[c].draw(state.kernel[c], name("Kernel", c));
      const shown = state.output && c < groups;
      outputs[c].node.hidden = equal[c].hidden = !shown;
      if (!shown) return;
      const map = cellsOf(state.output[c], transposed ? padding : 0, { rows: [], columns: [] }, "cut off by padding");
      outputs[c].draw(map.content, { title: groups > 1 ? `Output ${c}` : "Output", ...map.names });
      const span = channels / groups;
      for (const part of [outputs[c].node, equal[c]]) part.style.gridRow = `${c * span + 1} / span ${span}`;
    });
    const columns = [inputs, outputs].map((g) => g[0].cellAt(0, 0)?.parentNode.children.length ?? 0);
    node.dataset.density = columns[0] + columns[1] > 34 ? "tight" : columns[0] + columns[1] > 20 ? "dense" : "";
  };
  return { node, draw, inputs, kernels, outputs };
}

/** Light up the active cell, its links and, in them, the kernel element under the pointer. */
function light(state, grids, text, active, links, element_) {
  const border = { input: state.transposed ? 0 : state.padding, output: state.transposed ? state.padding : 0 };
  const at = (where, { row, column }) => [row + border[where], column + border[where]];
  const other = active?.where === "output" ? "input" : "output";
  const hit = (link) => element_ && link.i === element_.i && link.j === element_.j && link.channel === element_.channel;
  const planeOf = (link) => (other === "input" ? link.channel : state.mapOf(link.channel));
  for (const where of ["input", "output"]) {
    grids[`${where}s`].forEach((one, plane) => {
      const mine = where === other ? links.filter((link) => planeOf(link) === plane) : [];
      one.mark("lit", mine.map((link) => at(where, link)));
      one.mark("hit", mine.filter(hit).map((link) => at(where, link)));
      const here = active && active.where === where && active.plane === plane;
      one.mark("active", here ? [at(where, active)] : []);
      if (here) one.setHome(...at(where, active));
    });
  }
  grids.kernels.forEach((one, channel) => {
    const mine = links.filter((link) => link.channel === channel);
    one.mark("lit", mine.map((link) => [link.i, link.j]));
    one.mark("hit", mine.filter(hit).map((link) => [link.i, link.j]));
  });
  for (const node of text.querySelectorAll(".cb-term")) node.classList.toggle("cb-hit", Boolean(node.link && hit(node.link)));
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Convolution lens");
  const text = liveText();
  const refused = element("p", { class: "cb-alert", role: "alert", hidden: true });
  const sizes = element("div", { class: "cb-sizes" });
  let [state, hover, kernelHover, waiting] = [readState(model), null, null, false];

  const activePlace = () => (state.output ? clampPlace(state, hover ?? model.get("selected")) : null);
  const show = (textToo = true) => {
    const active = activePlace();
    const links = active ? linksOf(state, active) : [];
    if (active && active.where === "input") {
      const value = state.x[active.plane][active.row]?.[active.column];
      Object.assign(active, { value: value ?? 0, padding: value === undefined });
    }
    if (textToo) {
      const explain = active?.where === "output" ? explainOutput : explainInput;
      text.say(...(active ? explain(state, active, links) : []));
    }
    light(state, grids, text.node, active, links, kernelHover);
  };
  const refresh = () => {
    waiting = false;
    state = readState(model);
    settings.show(state);
    grids.draw(state);
    sizes.replaceChildren(...explainSize(state));
    show();
  };
  const later = () => {
    if (!waiting) queueMicrotask(() => life.ended || refresh());
    waiting = true;
  };
  const choose = (selected) => setTraits(model, { selected });
  const fromGrid = (where, plane, row, column) => {
    const border = (where === "input") !== state.transposed ? state.padding : 0;
    return [where, plane, row - border, column - border];
  };
  const next = (starting = false) => {
    if (!state.output) return true;
    const now = clampPlace(state, model.get("selected"));
    const [height, width] = [state.output[0].length, state.output[0][0].length];
    const total = state.output.length * height * width;
    const index = now.where === "output" ? (now.plane * height + now.row) * width + now.column : -1;
    if (starting && index < total - 1 && index > 0) return false;
    const to = (starting ? 0 : index + 1) % total;
    choose(["output", Math.floor(to / (height * width)), Math.floor(to / width) % height, to % width]);
    return to === total - 1;
  };

  const settings = settingsBar(life, model);
  const player = playBar(life, {
    next,
    reset: () => setTraits(model, structuredClone(model.get("start"))),
    onPlaying: (on) => text.node.setAttribute("aria-live", on ? "off" : "polite"),
    titles: { play: "Through all outputs", step: "To the next output", reset: "Back to the first settings" },
    pace: 700,
  });
  const grids = stage(life, model, {
    onHover: (...cell) => ((hover = fromGrid(...cell)), show()),
    onLeave: () => ((hover = null), show()),
    onChoose: (...cell) => (player.stop(), (hover = null), choose(fromGrid(...cell))),
    onKernel: (place) => ((kernelHover = place), show(false)),
    onRefuse: (sentence) => ((refused.textContent = sentence), (refused.hidden = !sentence)),
  });
  settings.node.append(player.node);
  root.append(settings.node, grids.node, refused, text.node, sizes);
  text.node.classList.add("cb-sum");
  life.follow(model, SETTINGS, later);
  life.follow(model, ["selected"], () => show());
  refresh();
  return () => {
    life.ended = true;
    life.end();
  };
}

export default { render };
