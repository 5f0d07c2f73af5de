// The convolution lens in the page: settings, grids of numbers, what lights up, the animation.

const SETTINGS = ["x", "kernel", "bias", "stride", "padding", "dilation", "groups", "transposed"];
const LARGEST = 1000;
const SIDEWAYS = ["ArrowLeft", "ArrowRight", "Home", "End"];

const largestOf = (numbers) => Math.max(...numbers.flat().map(Math.abs)) || 1;

/** Read a number as typed: 2, -1.5, −1.5 or 1/9; null where it is none, or too large. */
function readNumber(text) {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:\/(\d+))?$/.exec(text.trim().replace("−", "-"));
  const value = match ? Number(match[1]) / Number(match[2] ?? 1) : NaN;
  return Math.abs(value) <= LARGEST ? value : null;
}

/** Keep a place inside the grids, whatever the settings became. */
function clampPlace(state, [where, plane, row, column]) {
  const border = where === "input" && !state.transposed ? state.padding : 0;
  const maps = where === "input" ? state.x : state.output;
  return {
    where,
    plane: between(plane, 0, maps.length - 1),
    row: between(row, -border, maps[0].length - 1 + border),
    column: between(column, -border, maps[0][0].length - 1 + border),
  };
}

/** Draw a map with a border of padding, in which `blank` stands, and cells that no window sees. */
function drawMap(own, title, map, border, { blank, told, rows = [], columns = [] }) {
  const largest = largestOf(map);
  const names = (n) => range(n + 2 * border).map((k) => (k < border || k >= n + border ? "" : k - border));
  const cell = (r, c) => {
    const [row, column] = [r - border, c - border];
    const value = map[row]?.[column];
    const unseen = rows.includes(row) || columns.includes(column);
    const shown = value === undefined ? blank : writeNumber(value);
    const label = `row ${row}, column ${column}: ${value === undefined ? told : shown}${unseen ? ", never seen" : ""}`;
    const kind = [value === undefined ? "padding" : "", unseen ? "unseen" : ""].join(" ").trim();
    return { text: shown, label, kind, tint: (value ?? 0) / largest };
  };
  const [rowNames, columnNames] = [names(map.length), names(map[0].length)];
  own.draw(matrix(rowNames.length, columnNames.length, cell), { title, rowNames, columnNames });
}

/**
 * One slice of the kernel, as numbers that can be typed over; after typing, left and right move
 * the caret. `onEdit(i, j, value)` gets every valid number at once, `onRefuse(sentence)` why a
 * text is none, or "" when all is well again.
 */
function kernelGrid(life, { label, channel, point, onEdit, onRefuse }) {
  const field = () => element("input", { class: "cb-number", inputmode: "decimal", autocomplete: "off" });
  const own = grid(life, { label, point, field, place: (i, j) => ({ channel, i, j }) });
  let [values, typing] = [[], false];
  const write = (i, j) => {
    const input = own.face(i, j);
    input.value = writeNumber(values[i][j]);
    input.title = String(values[i][j]);
    input.removeAttribute("aria-invalid");
  };
  life.listen(own.table, "input", ({ target }) => {
    const [i, j] = placeOf(target);
    const value = readNumber(target.value);
    typing = true;
    target.setAttribute("aria-invalid", String(value === null));
    const kept = `the kernel keeps ${writeNumber(values[i][j])}`;
    onRefuse(value === null ? `“${target.value}” is no number from −${LARGEST} to ${LARGEST}: ${kept}.` : "");
    if (value !== null) onEdit(i, j, value);
  });
  // Before the grid sees the key: is it the field's own?
  life.listen(own.table, "keydown", (event) => {
    if (event.key === "Enter") event.target.select();
    if (["Enter", " "].includes(event.key) || (typing && SIDEWAYS.includes(event.key))) event.stopPropagation();
    typing &&= event.key !== "Enter";
  }, true);
  life.listen(own.table, "focusin", ({ target }) => {
    const [i, j] = placeOf(target);
    typing = false;
    own.setHome(i, j);
    target.select();
    point.at({ channel, i, j });
  });
  life.listen(own.table, "focusout", ({ target }) => {
    if (own.table.contains(target)) write(...placeOf(target));
    point.at(null);
  });
  return {
    ...own,
    /** Show a slice; the field that is being typed into keeps its text. */
    draw(slice) {
      values = slice;
      const [largest, size] = [largestOf(slice), slice.length];
      own.draw(matrix(size, size, (i, j) => ({ text: writeNumber(slice[i][j]),
        label: `${label}, weight at row ${i}, column ${j}`, tint: slice[i][j] / largest })));
      matrix(size, size, (i, j) => (typing && own.face(i, j) === document.activeElement) || write(i, j));
    },
  };
}

/** The name of the preset that every slice of the kernel is, or "custom". */
function presetOf(kernel, presets) {
  const same = (a, b) => a.every((row, i) => row.every((value, j) => Math.abs(value - b[i][j]) < 1e-12));
  const fits = ([, sizes]) => {
    const preset = sizes[kernel[0].length];
    return preset && kernel.every((slice) => same(slice, preset));
  };
  return Object.entries(presets).find(fits)?.[0] ?? "custom";
}

/** Another kernel size: the preset's own, or else the same numbers around the middle, and zeros. */
function resizeKernel(kernel, k, presets) {
  const preset = presets[presetOf(kernel, presets)]?.[k];
  const shift = Math.floor((kernel[0].length - 1) / 2) - Math.floor((k - 1) / 2);
  return kernel.map((slice) => preset ?? matrix(k, k, (i, j) => slice[i + shift]?.[j + shift] ?? 0));
}

/** The settings above the grids; returns their node and `show(state)`. */
function settingsBar(life, model) {
  const presets = model.get("presets");
  const set = (name) => (value) => setTraits(model, { [name]: value });
  const bar = (label, min, max, onInput) => slider(life, { label, min, max, value: min, onInput });
  const divisors = [1, 2, 3].filter((g) => model.get("x").length % g === 0).map(String);
  const choose = (name) => {
    const kernel = model.get("kernel");
    setTraits(model, { kernel: kernel.map(() => presets[name][kernel[0].length] ?? presets[name][3]) });
  };
  const controls = {
    preset: select(life, { label: "Kernel", options: [], value: "", onInput: choose }),
    k: bar("Kernel size", 1, 5, (k) => setTraits(model, { kernel: resizeKernel(model.get("kernel"), k, presets) })),
    stride: bar("Stride", 1, 3, set("stride")),
    padding: bar("Padding", 0, 3, set("padding")),
    dilation: bar("Dilation", 1, 3, set("dilation")),
    groups: select(life, { label: "Groups", options: divisors, value: "1", onInput: (g) => set("groups")(Number(g)) }),
    transposed: checkbox(life, { label: "Transposed", value: false, onInput: set("transposed") }),
  };
  controls.groups.input.disabled = divisors.length === 1;
  if (divisors.length === 1) controls.groups.input.title = "One channel: nothing to split";
  const show = (state) => {
    const preset = presetOf(state.kernel, presets);
    controls.preset.offer([...new Set([...Object.keys(presets), preset])]);
    const shown = { ...state, preset, groups: String(state.groups) };
    for (const [name, control] of Object.entries(controls)) control.set(shown[name]);
  };
  return { node: controlsRow(...Object.values(controls)), show };
}

/** The grids: one input and one kernel slice for each channel, one output for each group. */
function stage(life, model, { point, pointKernel, onRefuse }) {
  const channels = range(model.get("x").length);
  const name = (noun, c) => (channels.length > 1 ? `${noun}, channel ${c}` : noun);
  const borders = () => {
    const padding = model.get("padding");
    return model.get("transposed") ? { input: 0, output: padding } : { input: padding, output: 0 };
  };
  const place = (where, plane) => (row, column) => [where, plane, row - borders()[where], column - borders()[where]];
  const numbers = (where, c, label) => grid(life, { label, point, place: place(where, c) });
  const edit = (c) => (i, j, value) => {
    const kernel = structuredClone(model.get("kernel"));
    kernel[c][i][j] = value;
    setTraits(model, { kernel });
  };
  const inputs = channels.map((c) => numbers("input", c, name("Input", c)));
  const kernels = channels.map((c) => kernelGrid(life, { label: name("Kernel", c), channel: c,
    point: pointKernel, onEdit: edit(c), onRefuse }));
  const outputs = channels.map((c) => numbers("output", c, "Output"));
  const sign = (text) => element("div", { class: "cb-operator", "aria-hidden": "true" }, text);
  const equal = channels.map(() => sign("="));
  const rows = channels.map((c) => [inputs[c].node, sign("∗"), kernels[c].node]);
  rows.forEach((nodes, c) => nodes.forEach((part) => (part.style.gridRow = c + 1)));
  const node = element("div", { class: "cb-stage" }, ...rows.flat(), ...outputs.flatMap((o, c) => [equal[c], o.node]));

  /** Draw all numbers; the outputs stand beside the channels of their group. */
  const draw = (state) => {
    const { input, output } = borders();
    const unseen = (size) => (state.transposed || state.problem ? [] : unseenAlong(size, state));
    const seen = { blank: "0", told: "padding, 0", rows: unseen(state.height), columns: unseen(state.width) };
    const span = channels.length / state.groups;
    channels.forEach((c) => {
      drawMap(inputs[c], name("Input", c), state.x[c], input, seen);
      kernels[c].draw(state.kernel[c]);
      const shown = state.output && c < state.groups;
      outputs[c].node.hidden = equal[c].hidden = !shown;
      if (!shown) return;
      const title = state.groups > 1 ? `Output ${c}` : "Output";
      drawMap(outputs[c], title, state.output[c], output, { blank: "", told: "cut off by padding" });
      for (const part of [outputs[c].node, equal[c]]) part.style.gridRow = `${c * span + 1} / span ${span}`;
    });
    const columns = state.width + 2 * input + (state.output ? state.outputs[1] + 2 * output : 0);
    node.dataset.density = columns > 34 ? "tight" : columns > 20 ? "dense" : "";
  };

  /** Light up a cell, its links and, in them, the kernel's element that `hit` tells. */
  const light = (state, active, links, hit) => {
    const at = (where, { row, column }) => [row + borders()[where], column + borders()[where]];
    for (const [where, grids] of Object.entries({ input: inputs, output: outputs })) {
      const planeOf = ({ channel }) => (where === "input" ? channel : state.mapOf(channel));
      grids.forEach((one, plane) => {
        const mine = active?.where === where ? [] : links.filter((link) => planeOf(link) === plane);
        const here = active?.where === where && active.plane === plane ? [at(where, active)] : [];
        one.mark("lit", mine.map((link) => at(where, link)));
        one.mark("hit", mine.filter(hit).map((link) => at(where, link)));
        one.mark("active", here);
        if (here.length) one.setHome(...here[0]);
      });
    }
    kernels.forEach((one, c) => {
      const mine = links.filter(({ channel }) => channel === c);
      one.mark("lit", mine.map(({ i, j }) => [i, j]));
      one.mark("hit", mine.filter(hit).map(({ i, j }) => [i, j]));
    });
  };
  return { node, draw, light };
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Convolution lens", "cb-lens");
  const text = liveText("cb-sum");
  const refused = element("p", { class: "cb-alert", role: "alert", hidden: true });
  const sizes = element("div", { class: "cb-sizes" });
  let [state, active, links, kernelPlace] = [null, null, [], null];

  const light = () => {
    const hit = (link) => kernelPlace && ["channel", "i", "j"].every((name) => link[name] === kernelPlace[name]);
    grids.light(state, active, links, hit);
    for (const node of text.node.querySelectorAll(".cb-term")) {
      node.classList.toggle("cb-hit", Boolean(node.link && hit(node.link)));
    }
  };
  const show = (place) => {
    active = state.output ? clampPlace(state, place) : null;
    links = active ? linksOf(state, active) : [];
    const explain = active?.where === "output" ? explainOutput : explainInput;
    text.say(...(active ? explain(state, active, links) : []));
    light();
  };
  const choose = (selected) => setTraits(model, { selected });
  const point = pointing({ show, chosen: () => model.get("selected"), choose: (place) => (player.stop(), choose(place)) });
  const refresh = () => {
    state = solve(Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)])));
    settings.show(state);
    grids.draw(state);
    sizes.replaceChildren(...explainSize(state));
    point.update();
  };
  const next = (starting = false) => {
    if (!state.output) return true;
    const { where, plane, row, column } = clampPlace(state, model.get("selected"));
    const [height, width] = state.outputs;
    const total = state.output.length * height * width;
    const index = where === "output" ? (plane * height + row) * width + column : -1;
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
    point,
    pointKernel: { at: (place) => ((kernelPlace = place), light()) },
    onRefuse: (sentence) => ((refused.textContent = sentence), (refused.hidden = !sentence)),
  });
  settings.node.append(player.node);
  root.append(settings.node, grids.node, refused, text.node, sizes);
  life.follow(model, SETTINGS, life.soon(refresh));
  life.follow(model, ["selected"], point.update);
  refresh();
  return life.end;
}

export default { render };
