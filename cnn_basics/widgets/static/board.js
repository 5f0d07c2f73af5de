// The training board's buttons, how far it is, and what it says; the kernel draws the rest.

const FLAGS = ["running", "stopping", "begun", "failed"];

/** A button that keeps the focus when it has nothing to do: it says so, and does nothing. */
function patientButton(life, label, onPress) {
  const isOff = () => node.getAttribute("aria-disabled") === "true";
  const { node, setText } = button(life, { label, onClick: () => isOff() || onPress() });
  return { node, setText, enable: (on) => node.setAttribute("aria-disabled", String(!on)) };
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Training");
  const press = (name) => patientButton(life, name, () => model.send({ press: name }));
  const [start, stop, over] = ["Start", "Stop", "Start over"].map(press);
  const bar = element("progress", { class: "cb-progress", max: 1, "aria-label": "how far the training is" });
  const said = liveText();
  const show = () => {
    const [running, stopping, begun, failed] = FLAGS.map((name) => model.get(name));
    start.setText(begun ? "Continue" : "Start");
    start.enable(!running);
    stop.enable(running && !stopping);
    over.enable(running || begun);
    bar.value = model.get("share");
    said.node.classList.toggle("cb-alert", failed);
    said.say(model.get("sentence"));
  };
  root.append(controlsRow(start, stop, over, bar), said.node);
  life.follow(model, [...FLAGS, "share", "sentence"], show);
  show();
  return life.end;
}

export default { render };
