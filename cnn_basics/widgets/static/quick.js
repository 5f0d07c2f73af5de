// A quick question: radio buttons or a field for a number; the kernel says what is right.

/** One of several answers, of which one can be chosen. */
function choice(life, model, name, text) {
  const input = element("input", { type: "radio", name });
  life.listen(input, "change", () => setTraits(model, { given: text }));
  const node = element("label", { class: "cb-choice" }, input, element("span", {}, text));
  return { node, input, text };
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, "Quick question");
  root.classList.add("cb-quick");
  const said = liveText();
  partsMade += 1;
  const name = `cb-quick-${own}-${partsMade}`;
  const asked = element("div", { class: "cb-asked", id: name }, model.get("asks"));
  const choices = model.get("choices").map((text) => choice(life, model, name, text));
  const field = element("input", { type: "text", inputmode: "decimal", size: 12, autocomplete: "off" });
  const give = () => setTraits(model, { given: field.value.trim() });
  life.listen(field, "change", give);
  life.listen(field, "keydown", (event) => event.key === "Enter" && give());

  const answers = choices.length
    ? element("div", { role: "radiogroup", "aria-labelledby": name }, ...choices.map(({ node }) => node))
    : element("div", {}, labelled("your number", field, element("span", {}, "then press Enter")));
  const drawGiven = () => {
    const given = model.get("given");
    choices.forEach(({ input, text }) => (input.checked = text === given));
    if (document.activeElement !== field || !given) field.value = given;
  };
  const drawReply = () => {
    const reply = model.get("reply");
    const mark = model.get("right") ? "✓ Right. " : "✗ Not right. ";
    said.say(...(reply ? [element("b", {}, mark), reply] : []));
  };
  root.append(asked, element("div", { class: "cb-levels" }, model.get("levels")), answers, said.node);
  life.follow(model, ["given"], drawGiven);
  life.follow(model, ["right", "reply"], drawReply);
  drawGiven();
  drawReply();
  return life.end;
}

export default { render };
