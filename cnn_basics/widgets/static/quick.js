// A quick question: radio buttons or a field for a number; the kernel says what is right.

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Quick question", "cb-quick");
  const said = liveText();
  const name = `cb-quick-${own}-${(partsMade += 1)}`;
  const choices = model.get("choices").map((text) => {
    const input = element("input", { type: "radio", name });
    life.listen(input, "change", () => setTraits(model, { given: text }));
    return { input, text, node: element("label", { class: "cb-choice" }, input, element("span", {}, text)) };
  });
  const field = element("input", { type: "text", inputmode: "decimal", size: 12, autocomplete: "off" });
  const give = () => setTraits(model, { given: field.value.trim() });
  life.listen(field, "change", give);
  life.listen(field, "keydown", (event) => event.key === "Enter" && give());

  const drawGiven = () => {
    const given = model.get("given");
    choices.forEach(({ input, text }) => (input.checked = text === given));
    if (document.activeElement !== field || !given) field.value = given;
  };
  const drawReply = () => {
    const mark = model.get("right") ? "✓ Right. " : "✗ Not right. ";
    said.say(...(model.get("reply") ? [element("b", {}, mark), model.get("reply")] : []));
  };
  root.append(
    element("div", { class: "cb-heading", id: name }, model.get("asks")),
    element("div", { class: "cb-levels" }, model.get("levels")),
    choices.length
      ? element("div", { role: "radiogroup", "aria-labelledby": name }, ...choices.map(({ node }) => node))
      : labelled("your number", field, element("span", {}, "then press Enter")),
    said.node,
  );
  life.follow(model, ["given"], drawGiven);
  life.follow(model, ["right", "reply"], drawReply);
  drawGiven();
  drawReply();
  return life.end;
}

export default { render };
