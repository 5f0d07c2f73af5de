// Starts a deck: spreads what a slide cannot hold over further slides below it, then hands over.

const WIDTH = 1120;
const HEIGHT = 700;
const ROOM = HEIGHT - 24;
const SMALLEST = 0.55; // of the size that is readable from the back row

/** The pieces that can stand on a slide by themselves: blocks of text, code, single outputs. */
function piecesOf(section) {
  const whole = [...section.children].flatMap((node) =>
    node.matches(".fragment") ? [...node.children] : [node]);
  return whole.filter((node) => !node.matches("aside.notes")).flatMap((cell) => {
    const text = cell.querySelector(":scope .jp-RenderedMarkdown");
    if (cell.matches(".jp-MarkdownCell") && text) return splitText(cell, text);
    const outputs = [...cell.querySelectorAll(":scope .jp-OutputArea-child")];
    return outputs.length ? splitOutputs(cell, outputs) : [cell];
  });
}

/** A copy of a cell, in which this part holds one piece alone. */
function copyWith(cell, part, piece) {
  const copy = cell.cloneNode(true);
  copy.removeAttribute("id");
  copy.querySelector(part).replaceChildren(piece);
  return copy;
}

/** A copy of a cell for each block of its text: paragraphs, lists item by item, tables. */
function splitText(cell, text) {
  const parts = [...text.children].flatMap((block) => {
    if (!block.matches("ul, ol") || block.children.length < 2) return [block];
    return [...block.children].map((item, k) => {
      const list = block.cloneNode(false);
      if (block.matches("ol")) list.setAttribute("start", (Number(block.getAttribute("start")) || 1) + k);
      list.append(item);
      return list;
    });
  });
  return parts.map((block) => copyWith(cell, ".jp-RenderedMarkdown", block));
}

/** The code of a cell, then each of its outputs. */
function splitOutputs(cell, outputs) {
  const copies = outputs.map((output) => {
    const copy = copyWith(cell, ".jp-OutputArea", output);
    copy.querySelector(".jp-Cell-inputWrapper")?.remove();
    return copy;
  });
  cell.querySelector(".jp-Cell-outputWrapper").remove();
  return [cell, ...copies];
}

/** Make what is still too high, or too wide, smaller: one long output, a wide table. */
function fit(section) {
  const inner = section.firstElementChild;
  const scale = Math.min(1, ROOM / section.scrollHeight, (WIDTH - 40) / inner.scrollWidth);
  if (scale < 1) {
    inner.style.zoom = Math.max(scale, SMALLEST) * 0.98;
    inner.classList.add("deck-fitted");
  }
}

let latest = []; // the notes of the section, which stay beside all of its slides

/** Fill slides with pieces, as many as each can hold; a heading never stands last. */
function spread(section, stage) {
  const notes = [...section.querySelectorAll("aside.notes")];
  if (notes.length) latest = notes;
  const slides = [];
  const open = (...pieces) => {
    const slide = document.createElement("section");
    slide.append(document.createElement("div"));
    slide.firstElementChild.append(...pieces);
    stage.append(slide);
    slides.push(slide);
  };
  open();
  for (const piece of piecesOf(section)) {
    const [slide, inner] = [slides.at(-1), slides.at(-1).firstElementChild];
    inner.append(piece);
    if (slide.scrollHeight <= ROOM || inner.children.length === 1) continue;
    const before = piece.previousElementSibling;
    const isHeading = before.querySelector("h1, h2, h3, h4") && inner.children.length > 2;
    open(...(isHeading ? [before] : []), piece);
  }
  slides.forEach(fit);
  slides.forEach((slide) => slide.append(...latest.map((note) => note.cloneNode(true))));
  return slides;
}

/** Spread all slides of the deck, measured at full size on a stage of their own. */
function paginate() {
  const stage = document.createElement("div");
  stage.style.cssText = `position:absolute;left:0;top:0;width:${WIDTH}px;visibility:hidden`;
  document.querySelector(".slides").append(stage);
  for (const column of document.querySelectorAll(".slides > section")) {
    const kept = [...column.querySelectorAll(":scope > section")].flatMap((slide) => spread(slide, stage));
    column.replaceChildren(...kept.filter(({ firstElementChild: inner }) => inner.textContent.trim() || inner.querySelector("img")));
  }
  stage.remove();
}

// A picture has its height only once it is decoded; else every window would split slides anew.
Promise.all([...document.images].map((image) => image.decode().catch(() => {}))).then(() => {
  paginate();
  Reveal.initialize({
    width: WIDTH, height: HEIGHT, margin: 0.03, center: false, hash: true, controls: true,
    progress: true, slideNumber: "c/t", transition: "none", plugins: [RevealNotes],
  });
});
