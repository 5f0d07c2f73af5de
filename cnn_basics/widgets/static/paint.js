// A pad to paint on, by mouse, finger or keys, that also takes a photo; Python says what it sees.

/** The places that a round brush covers around a place; its width is in cells. */
function underBrush([row, column], width, side) {
  const reach = (width - 1) / 2;
  const [top, left] = [Math.ceil(row - reach), Math.ceil(column - reach)];
  const isRound = ([r, c]) => Math.hypot(r - top - reach, c - left - reach) <= width / 2;
  const isInside = (place) => place.every((n) => n >= 0 && n < side);
  const square = matrix(width, width, (r, c) => [top + r, left + c]).flat();
  return square.filter((place) => isRound(place) && isInside(place));
}

/** Places on the straight way from one to another, both included. */
function wayBetween(from, to) {
  const steps = Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]), 1);
  return range(steps + 1).map((k) =>
    [0, 1].map((axis) => Math.round(from[axis] + ((to[axis] - from[axis]) * k) / steps)));
}

/** The cells of the paper: role grid, one tab stop. `show` takes a text of 0 and 1. */
function paper(side) {
  const make = (r, c) => element("div", { role: "gridcell", tabindex: "-1", "data-place": `${r} ${c}` });
  const cells = matrix(side, side, make);
  const rows = cells.map((row) => element("div", { role: "row" }, ...row));
  const node = element("div", { class: "cb-paper", role: "grid",
    "aria-label": `drawing, ${side} rows, ${side} columns` }, ...rows);
  let [shown, home, marked] = ["", [0, 0], []];
  const setHome = (place) => {
    cells[home[0]][home[1]].setAttribute("tabindex", "-1");
    home = place;
    cells[place[0]][place[1]].setAttribute("tabindex", "0");
  };
  setHome([Math.floor(side / 2), Math.floor(side / 2)]);
  return {
    node,
    show(drawing) {
      cells.flat().forEach((cell, k) => {
        if (shown[k] === drawing[k]) return;
        cell.classList.toggle("cb-ink", drawing[k] === "1");
        cell.setAttribute("aria-label", `row ${Math.floor(k / side) + 1}, column ${(k % side) + 1}, ` +
          (drawing[k] === "1" ? "ink" : "paper"));
      });
      shown = drawing;
    },
    mark(places) {
      for (const cell of marked) cell.classList.remove("cb-under");
      marked = places.map(([r, c]) => cells[r][c]);
      for (const cell of marked) cell.classList.add("cb-under");
    },
    focus(place) {
      setHome(place);
      cells[place[0]][place[1]].focus();
    },
    home: () => home,
    /** The place below the pointer, or the nearest one. */
    at(event) {
      const box = node.getBoundingClientRect();
      const inside = (n) => between(Math.floor(n * side), 0, side - 1);
      return [inside((event.clientY - box.top) / box.height), inside((event.clientX - box.left) / box.width)];
    },
  };
}

/** A field for a file with its visible label; a file may also be dropped on `root`. */
function photoField(life, root, { label, onFile }) {
  const input = element("input", { type: "file", accept: "image/*" });
  const forget = () => (input.value = ""); // the same file can then be chosen again
  life.listen(input, "change", () => input.files.length && onFile(input.files[0]));
  const over = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
    root.classList.toggle("cb-over", event.type === "dragover");
    if (event.type !== "drop" || !event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files; // the field then shows the name
    onFile(input.files[0]);
  };
  for (const type of ["dragover", "dragleave", "drop"]) life.listen(root, type, over);
  return { node: labelled(label, input), forget };
}

function render({ model, el }) {
  const life = lifetime();
  const root = panel(life, el, model.get("description"), "cb-flow cb-paint");
  const side = model.get("side");
  const sheet = paper(side);
  const said = liveText();
  let [pen, pointed] = [null, null]; // where the pen was while a button is down; where the pointer is

  const place = () => pointed ?? sheet.home();
  const preview = () => sheet.mark(underBrush(place(), Number(brush.input.value), side));
  const put = (drawing) => {
    photo.forget();
    setTraits(model, { drawing, photo: "" });
  };
  const paint = (places, ink) => {
    const cells = [...model.get("drawing")];
    for (const where of places) {
      for (const [r, c] of underBrush(where, Number(brush.input.value), side)) cells[r * side + c] = ink ? "1" : "0";
    }
    put(cells.join(""));
  };

  const brush = slider(life, { label: "brush", min: 1, max: 6, value: 4, onInput: preview });
  const rub = checkbox(life, { label: "rub out", value: false,
    onInput: (on) => sheet.node.classList.toggle("cb-rubbing", on) });
  const clear = button(life, { label: "Clear", onClick: () => isBlank() || put("0".repeat(side * side)) });
  const isBlank = () => !model.get("drawing").includes("1") && !model.get("photo");
  const photo = photoField(life, root, { label: "photo",
    async onFile(file) {
      const most = model.get("most_bytes");
      if (file.size > most) {
        const [is, may] = [file.size, most].map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`);
        setTraits(model, { said: `${file.name} is ${is}, expected at most ${may}: choose a smaller copy of the picture` });
      } else {
        model.send({ photo: file.name }, undefined, [await file.arrayBuffer()]);
      }
    } });

  life.listen(sheet.node, "pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // the page must neither select text nor scroll
    sheet.node.setPointerCapture(event.pointerId);
    pen = pointed = sheet.at(event);
    sheet.focus(pen);
    paint([pen], !rub.input.checked);
    preview();
  });
  life.listen(sheet.node, "pointermove", (event) => {
    pointed = sheet.at(event);
    if (pen) {
      paint(wayBetween(pen, pointed), !rub.input.checked);
      pen = pointed;
    }
    preview();
  });
  const lift = () => (pen = null);
  for (const type of ["pointerup", "pointercancel"]) life.listen(sheet.node, type, lift);
  life.listen(sheet.node, "pointerleave", () => {
    pointed = null;
    preview();
  });
  life.listen(sheet.node, "focusin", preview);
  life.listen(sheet.node, "keydown", (event) => {
    const [row, column] = sheet.home();
    const next = moveByKey(event, row, column, side, side);
    const inked = { " ": !rub.input.checked, Enter: !rub.input.checked, Backspace: false, Delete: false }[event.key];
    if (!next && inked === undefined) return;
    event.preventDefault();
    pointed = null;
    if (next) sheet.focus(next);
    if (next && event.shiftKey) paint(wayBetween([row, column], next), !rub.input.checked);
    if (!next) paint([[row, column]], inked);
    preview();
  });

  const update = () => {
    sheet.show(model.get("drawing"));
    sheet.node.classList.toggle("cb-unused", Boolean(model.get("photo")));
    clear.node.setAttribute("aria-disabled", String(isBlank()));
    said.say(model.get("said"));
  };
  root.append(
    sheet.node,
    element("div", { class: "cb-beside" },
      controlsRow(brush, rub, clear), controlsRow(photo),
      element("p", { class: "cb-hint" }, model.get("hint")), said),
  );
  life.follow(model, ["drawing", "photo", "said"], update);
  update();
  preview();
  return life.end;
}

export default { render };
