// A tensor of one to four axes as a row or a table of matrices.

/** Every index of a shape, in reading order. */
function allIndices(shape) {
  return shape.reduce((found, size) => found.flatMap((index) =>
    Array.from({ length: size }, (_, k) => [...index, k])), [[]]);
}

/** Where the matrix of a leading index stands: beside the others, or below them. */
function placeOfMatrix(lead) {
  return lead.length === 2 ? { row: lead[0], column: lead[1] } : { row: 0, column: lead[0] ?? 0 };
}

/**
 * A tensor of one to four axes as matrices, one tab stop for all: arrow keys go on into the
 * neighbouring matrix, Page keys to the one before or after.
 */
function tensorGrid(life, { onPoint, onChoose }) {
  const node = element("div", { class: "cb-tensor", role: "group", "aria-label": "the shape" });
  let matrices = [];
  let part = null; // what must be undone when the matrices change
  let shape = [];
  const flat = (m, row, column) => (m * matrices.rows + row) * matrices.columns + column;

  const neighbour = (m, key) => {
    const { row, column } = matrices[m].at;
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
    return matrices.findIndex(({ at }) => at.row === row + down && at.column === column + right);
  };
  const jump = (event, m, row, column) => {
    const [rows, columns] = [matrices.rows, matrices.columns];
    const page = { PageUp: m - 1, PageDown: m + 1 }[event.key];
    if (page !== undefined) return [Math.min(Math.max(page, 0), matrices.length - 1), row, column];
    const leaves = { ArrowUp: row === 0, ArrowDown: row === rows - 1, ArrowLeft: column === 0,
      ArrowRight: column === columns - 1 }[event.key];
    const next = leaves ? neighbour(m, event.key) : -1;
    if (next < 0) return null;
    const across = { ArrowUp: [rows - 1, column], ArrowDown: [0, column], ArrowLeft: [row, columns - 1], ArrowRight: [row, 0] };
    return [next, ...across[event.key]];
  };
  // Before the grid of one matrix sees the key: does it lead into another one?
  life.listen(node, "keydown", (event) => {
    const m = matrices.findIndex(({ own }) => own.node.contains(event.target));
    const place = event.target.dataset?.place?.split(" ").map(Number);
    const next = m >= 0 && place ? jump(event, m, ...place) : null;
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    matrices[next[0]].own.focus(next[1], next[2]);
    onChoose(flat(...next));
  }, true);

  const build = () => {
    part?.end();
    part = lifetime();
    const [rows, columns] = shape.length > 1 ? shape.slice(-2) : [1, shape[0]];
    matrices = allIndices(shape.slice(0, -2)).map((lead, m) => {
      const act = (handler) => (row, column) => handler(flat(m, row, column));
      const own = grid(part, { label: `y[${lead.join(", ")}]`, onHover: act(onPoint),
        onLeave: () => onPoint(null), onChoose: act(onChoose) });
      return { lead, own, at: placeOfMatrix(lead) };
    });
    Object.assign(matrices, { rows, columns });
    node.style.setProperty("--cb-across", shape.length === 4 && shape[1] > 1 ? shape[1] : "auto-fit");
    node.classList.toggle("cb-table-of-matrices", shape.length === 4 && shape[1] > 1);
    node.replaceChildren(...matrices.map(({ own }) => own.node));
  };
  life.atEnd(() => part?.end());

  return {
    node,
    /** Show the places of all elements in reading order. */
    draw(view) {
      if (shape.join() !== view.shape.join()) {
        shape = view.shape;
        build();
      }
      const indices = allIndices(shape);
      matrices.forEach(({ lead, own }, m) => {
        const cell = (row, column) => {
          const k = flat(m, row, column);
          const label = `y[${indices[k].join(", ")}], number ${view.places[k]}`;
          return { text: String(view.places[k]), label, tint: view.places[k] / view.places.length };
        };
        const content = Array.from({ length: matrices.rows }, (_, r) =>
          Array.from({ length: matrices.columns }, (_, c) => cell(r, c)));
        own.draw(content, { title: lead.length ? `y[${lead.join(", ")}]` : "y" });
      });
    },
    /** Light up the element at a place of the reading order. */
    light(k) {
      const inside = matrices.rows * matrices.columns;
      const place = [Math.floor((k % inside) / matrices.columns), k % matrices.columns];
      const chosen = Math.floor(k / inside);
      matrices.forEach(({ own }, m) => {
        own.mark("active", m === chosen ? [place] : []);
        own.setHome(...place);
        if (m !== chosen) own.cellAt(...place).setAttribute("tabindex", "-1");
      });
    },
  };
}
