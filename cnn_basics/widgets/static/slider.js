// One slider, for figures that the kernel draws.

function render({ model, el }) {
  const life = lifetime();
  const shown = slider(life, {
    label: model.get("description"),
    min: model.get("min"),
    max: model.get("max"),
    step: model.get("step"),
    value: model.get("value"),
    onInput: (value) => setTraits(model, { value }),
  });
  panel(life, el, model.get("description")).append(shown.node);
  life.follow(model, ["value"], () => shown.set(model.get("value")));
  life.follow(model, ["min", "max", "step"], () => {
    for (const name of ["min", "max", "step"]) shown.input[name] = model.get(name);
    shown.set(model.get("value"));
  });
  return life.end;
}

export default { render };
