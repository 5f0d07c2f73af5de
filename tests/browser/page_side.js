// What the tests ask of a page of JupyterLab: `window.lessonTest`, put there by driving.py.

(() => {
  const VIEW = "application/vnd.jupyter.widget-view+json";
  const BAR = /^\s*\d+%\|/; // tqdm's progress bar, a widget with nothing to move
  const KINDS = {
    slider: "input[type=range]",
    number: "input[type=number]",
    text: "input[type=text], input:not([type]), textarea",
    select: "select",
    checkbox: "input[type=checkbox]",
    choice: "input[type=radio]", // the first stands for its group
    button: "button, [role=button]",
    grid: "[role=grid]",
    file: "input[type=file]",
  };
  const FOCUSABLE = "a[href], button, input, select, textarea, [tabindex='0'], [contenteditable=true]";
  // What surrounds one control, with its label and its value: no answer of the widget.
  const OWN = ".cb-control, [role=radiogroup], .widget-inline-hbox, .widget-inline-vbox";
  const UNTOLD = ["tabindex", "id", "for", "data-lm-suppress-shortcuts", "data-test", "aria-activedescendant"];

  const EMPTY = `
import gc, ipywidgets
ipywidgets.Widget.close_all()
get_ipython().reset(new_session=False)
gc.collect()`;
  let spare; // a kernel without a notebook

  const panel = () => jupyterapp.shell.currentWidget;
  const session = () => panel().context.sessionContext;
  const rootOf = (index) => panel().content.widgets[index].outputArea.node;
  const frame = () => new Promise(requestAnimationFrame);

  // --- the kernel: what it is asked, and what goes wrong in it ---

  const followed = new WeakSet();
  const unanswered = new Set(); // messages of widgets on their way to the kernel and back
  const models = new Set(); // to which widgets in the kernel they go
  // JupyterLab asks each new kernel for widgets, before any cell has loaded their package.
  // A kernel that is told to end while it still answers complains of what it leaves unfinished.
  const isEveryday = (text) =>
    text.startsWith("No such comm target registered: jupyter.widget") ||
    text.startsWith("Task was destroyed but it is pending!") ||
    (text.startsWith("No such comm: ") && !models.has(text.slice(14).trim()));

  /** Report whatever goes wrong in the kernel of the notebook that is now on the screen. */
  function follow() {
    const report = window.reportFault;
    if (followed.has(session())) return;
    followed.add(session());
    const kernelSaid = (_, { header, parent_header: parent, content }) => {
      if (header.msg_type === "status" && content.execution_state === "idle") {
        unanswered.delete(parent.msg_id);
      } else if (header.msg_type === "error" && parent.msg_type !== "execute_request") {
        report(`kernel, after ${parent.msg_type}: ${content.ename}: ${content.evalue}`);
      } else if (header.msg_type === "stream" && content.name === "stderr" && !isEveryday(content.text)) {
        report(`kernel, stderr: ${content.text}`);
      }
    };
    const pageAsks = (_, { msg, direction }) => {
      if (direction !== "send" || msg.header.msg_type !== "comm_msg") return;
      unanswered.add(msg.header.msg_id);
      if (msg.content.data.method !== "request_states") models.add(msg.content.comm_id);
    };
    session().iopubMessage.connect(kernelSaid);
    session().statusChanged.connect((_, status) => {
      if (status.includes("restart") || status === "dead") unanswered.clear();
    });
    session().session?.anyMessage.connect(pageAsks);
    session().sessionChanged.connect((_, { newValue }) => newValue?.anyMessage.connect(pageAsks));
  }

  /**
   * Wait until the kernel has answered all that widgets sent. What they hold back while they wait
   * for an answer goes out with that answer, so nothing may be under way for two frames.
   */
  async function answered() {
    const end = performance.now() + 20000;
    for (let quiet = 0; quiet < 2; quiet += 1) {
      await frame();
      if (unanswered.size) quiet = -1;
      if (performance.now() > end) throw new Error(`unanswered by the kernel: ${unanswered.size}`);
    }
  }

  /**
   * Run code as no cell. JupyterLab's kernels hear widgets in a thread of their own, beside the one
   * that runs this code: whoever asks while a widget's message is under way is told half of what it
   * changes. So wait until all of them are answered.
   */
  async function runInKernel(code) {
    await answered();
    const future = session().session.kernel.requestExecute({ code, store_history: false });
    let text = "";
    future.onIOPub = ({ header, content }) => {
      if (header.msg_type === "stream") text += content.text;
      if (header.msg_type === "error") text += content.traceback.join("\n");
    };
    await future.done;
    return text;
  }

  /** Wait until the kernel has answered all that widgets sent, and the page has drawn it. */
  async function settle(root) {
    await answered();
    await Promise.all([...root.querySelectorAll("img")].map((img) => img.decode().catch(() => {})));
  }

  // --- the controls of a cell's outputs ---

  function nameOf(node) {
    const labels = [...(node.labels ?? [])].map((label) => label.textContent).join(" ");
    const name = node.getAttribute("aria-label") || labels || node.title || node.textContent;
    return name.trim().replace(/\s+/g, " ").slice(0, 60);
  }

  const isDisabled = (node) =>
    node.matches(":disabled, [aria-disabled=true], [disabled]") || Boolean(node.closest("[disabled]"));
  const isVisible = (node) => node.checkVisibility({ visibilityProperty: true });
  const kindOf = (node) => Object.keys(KINDS).find((kind) => node.matches(KINDS[kind]));

  /** The radio buttons of which one can be chosen; any other control is alone. */
  function membersOf(node) {
    const group = node.closest("[role=radiogroup]");
    return group ? [...group.querySelectorAll(KINDS.choice)] : [node];
  }

  /** One of several that choose stands for all; the first and last field of a grid for the rest. */
  function standsFor(node) {
    const inGrid = node.matches("input") && node.closest("[role=grid]");
    if (!inGrid) return membersOf(node)[0] === node;
    const fields = [...inGrid.querySelectorAll("input")];
    return node === fields[0] || node === fields.at(-1);
  }

  /** In a table, rows of which each has its number, as in “kind of conv2”, have the same controls. */
  const rowless = (node, name) => (node.closest("tr") ? name.replace(/\d+\b/g, "…") : name);

  /** Every control inside of `root`, marked with an attribute that finds it again. */
  function scan(root, index) {
    const counts = new Map();
    const found = [];
    for (const node of root.querySelectorAll(Object.values(KINDS).join(", "))) {
      if (!isVisible(node) || !standsFor(node)) continue;
      const kind = kindOf(node);
      const name = kind === "grid" ? nameOf(node).split(/[,:(]/)[0] : rowless(node, nameOf(node));
      const same = `${kind} “${name}”`;
      counts.set(same, (counts.get(same) ?? 0) + 1);
      if (node.closest("tr") && counts.get(same) > 1) continue;
      const key = counts.get(same) > 1 ? `${same} ${counts.get(same)}` : same;
      node.dataset.test ??= `${index} ${key}`; // a button whose text changes stays the same button
      const marked = node.dataset.test.slice(`${index} `.length);
      found.push({ kind, key: marked, disabled: isDisabled(node), ...range(node) });
    }
    return found;
  }

  /** Where a slider or a list starts, ends and stands. */
  function range(node) {
    const number = (value) => (value === null || value === "" ? null : Number(value));
    if (node.matches("select")) {
      const open = [...node.options].filter((option) => !option.disabled && !option.hidden);
      const values = open.map((option) => option.index);
      return { min: values[0], max: values.at(-1), now: node.selectedIndex, step: 1, values };
    }
    if (node.matches(KINDS.choice)) return { members: membersOf(node).length };
    if (node.matches("[role=grid]")) {
      const rows = [...node.querySelectorAll("[role=row]")];
      const columns = rows[0]?.querySelectorAll("[role=gridcell]").length ?? 0;
      return { rows: rows.length, columns };
    }
    if (node.matches("input[type=range], input[type=number]")) {
      const [min, max, now] = [node.min, node.max, node.value].map(number);
      return { min, max, now, step: number(node.step) ?? 1 };
    }
    return {};
  }

  /** What can be focused and is no control that the tests know how to move. */
  function findUnknown(root) {
    const known = `${Object.values(KINDS).join(", ")}, [role=grid] *, [role=region], [role=group]`;
    return [...root.querySelectorAll(FOCUSABLE)]
      .filter((node) => isVisible(node) && !node.matches(known))
      .map((node) => node.cloneNode().outerHTML);
  }

  /** A number that changes with whatever a reader can see or hear, `control` itself left out. */
  function signature(root, control) {
    const own = control && !control.matches("[role=grid]") ? (control.closest(OWN) ?? control) : null;
    const parts = [];
    const walk = (node) => {
      if (node === own) return;
      if (node.nodeType === Node.TEXT_NODE) parts.push(node.data);
      if (node.nodeType !== Node.ELEMENT_NODE) return;
      parts.push(node.tagName);
      for (const { name, value } of node.attributes) if (!UNTOLD.includes(name)) parts.push(name, value);
      if (node.matches("input, select, textarea")) parts.push(node.value, String(node.checked));
      if (node.tagName === "CANVAS") parts.push(node.toDataURL());
      node.childNodes.forEach(walk);
    };
    walk(root);
    let hash = 5381;
    for (const text of parts) {
      for (let i = 0; i < text.length; i += 1) hash = (Math.imul(hash, 33) ^ text.charCodeAt(i)) | 0;
      hash = Math.imul(hash, 31) | 0;
    }
    return hash;
  }

  /** The control with this key, also when the widget has made it anew; undefined when it is gone. */
  function controlOf(index, key) {
    const find = () =>
      [...rootOf(index).querySelectorAll("[data-test]")].find(
        (node) => node.dataset.test === `${index} ${key}` && isVisible(node),
      );
    return find() ?? (scan(rootOf(index), index), find());
  }

  /** How a control looks while it has the focus and while it has not. */
  function look(node) {
    const style = getComputedStyle(node.matches("[role=grid]") ? node.querySelector("[tabindex='0']") : node);
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 ? style.outline : "";
    return [ring, style.boxShadow, style.borderColor, style.backgroundColor].join(" ");
  }

  // --- pictures that are drawn, and when ---

  let stopWatching = null;

  /** Note when keys were pressed and when pictures came, until `picturesAfterKeys`. */
  function watchPictures(root) {
    const pictures = [];
    let lastKey = 0;
    const onKey = () => (lastKey = performance.now());
    const hasPicture = (node) => node.tagName === "IMG" || node.querySelector?.("img");
    const observer = new MutationObserver((changes) => {
      const drawn = changes.some(({ target, type, addedNodes }) =>
        (type === "attributes" ? [target] : [...addedNodes]).some(hasPicture));
      if (drawn) pictures.push(performance.now());
    });
    root.addEventListener("keydown", onKey, true);
    observer.observe(root, { childList: true, subtree: true, attributeFilter: ["src"] });
    stopWatching = () => {
      observer.disconnect();
      root.removeEventListener("keydown", onKey, true);
      return pictures.filter((time) => time > lastKey).length;
    };
  }

  /**
   * What is wrong with the present slide of a deck, such as how it sticks out of the stage. Code is
   * at least 16 pixels large on a slide 700 pixels high.
   */
  function slideFaults() {
    const slide = Reveal.getCurrentSlide();
    const stage = document.querySelector(".slides").getBoundingClientRect();
    const shown = [...slide.querySelectorAll("img, pre, p, li, h1, h2, h3, td")]
      .filter((node) => node.checkVisibility() && !node.closest("aside"));
    const boxes = shown.map((node) => node.getBoundingClientRect());
    const over = (distance) => Math.max(0, ...boxes.map(distance)) / Reveal.getScale() > 2;
    const size = (node) =>
      parseFloat(getComputedStyle(node).fontSize) * (slide.firstElementChild.style.zoom || 1);
    const smallest = Math.min(99, ...shown.filter((node) => node.matches("pre")).map(size));
    const found = {
      "below": over((box) => box.bottom - stage.bottom),
      "beside": over((box) => box.right - stage.right),
      "above": over((box) => stage.top - box.top),
      "blank": !boxes.some((box) => box.width > 0 && box.height > 0),
      "a broken picture": [...slide.querySelectorAll("img")]
        .some((node) => !node.complete || !node.naturalWidth),
      [`code of ${smallest.toFixed()} pixels`]: smallest < 16,
    };
    const faults = Object.keys(found).filter((fault) => found[fault]);
    return faults.map((fault) => `${slide.innerText.slice(0, 80)}: ${fault}`);
  }

  /** Drop a picture on a node, as a reader does. */
  async function dropPicture(selector, name, content) {
    const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name, { type: "image/png" }));
    for (const type of ["dragover", "drop"]) {
      const event = new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
      const left = document.querySelector(selector).dispatchEvent(event);
      if (left) throw new Error(`${type} is left to the browser`);
    }
  }

  window.lessonTest = {
    slideFaults,
    dropPicture,
    follow,
    isIdle: () => panel()?.context?.sessionContext?.session?.kernel?.status === "idle",
    answered,
    runInKernel,
    settle: (index) => settle(rootOf(index)),
    widgetCells: () =>
      panel().content.widgets.flatMap((cell, index) => {
        if (cell.model.type !== "code") return [];
        const outputs = cell.model.outputs.toJSON();
        const isWidget = ({ data }) => data && VIEW in data && !BAR.test(String(data["text/plain"]));
        return outputs.some(isWidget) ? [index] : [];
      }),
    /** Errors that cells show and do not announce by their tag. */
    errors: () =>
      panel().content.widgets.flatMap((cell, index) => {
        if (cell.model.type !== "code") return [];
        const asked = (cell.model.getMetadata("tags") ?? []).includes("raises-exception");
        const raised = cell.model.outputs.toJSON().filter((output) => output.output_type === "error");
        if (asked) return raised.length ? [] : [`cell ${index} raised nothing`];
        return raised.map(({ ename, evalue }) => `cell ${index}: ${ename}: ${evalue}`);
      }),
    unrun: () =>
      panel().content.widgets.flatMap((cell, index) =>
        cell.model.type === "code" && !cell.model.executionCount ? [index] : []),
    /** Bring a cell onto the screen, where JupyterLab draws it, and mark its outputs. */
    async show(index) {
      panel().content.activeCellIndex = index;
      await panel().content.scrollToItem(index, "smart");
      const root = rootOf(index);
      const end = performance.now() + 15000;
      while (!root.querySelector(".jupyter-widgets, .cb-widget") || root.textContent.includes("Loading widget")) {
        if (performance.now() > end) throw new Error(`cell ${index} shows no widget: ${root.textContent}`);
        await frame();
      }
      root.dataset.testRoot = index;
      await settle(root);
    },
    scan: (index) => scan(rootOf(index), index),
    findUnknown: (index) => findUnknown(rootOf(index)),
    /** Settle, then tell what the widget shows and where the control stands. */
    async state(index, key) {
      await settle(rootOf(index));
      const control = key ? controlOf(index, key) : null;
      const gone = Boolean(key) && !control;
      return { shown: signature(rootOf(index), control), gone, ...(control ? range(control) : {}) };
    },
    isDisabled: (index, key) => isDisabled(controlOf(index, key)),
    range: (index, key) => range(controlOf(index, key)),
    source: (index) => panel().content.widgets[index].model.sharedModel.getSource(),
    blur: () => document.activeElement.blur(),
    look: (index, key) => look(controlOf(index, key)),
    setValue(index, key, value) {
      const control = controlOf(index, key);
      control.value = value;
      for (const type of ["input", "change"]) control.dispatchEvent(new Event(type, { bubbles: true }));
    },
    /** Whether the focus has left the controls and stayed in the widget. */
    hasLeft(index) {
      const active = document.activeElement;
      return rootOf(index).contains(active) && !kindOf(active) && !active.closest("[role=grid]");
    },
    watchPictures: (index) => watchPictures(rootOf(index)),
    picturesAfterKeys: () => stopWatching(),
    restart: () => session().session.kernel.restart(),
    /** Run a cell without its view, and only sometimes with its picture, which takes longest. */
    async runAgain(index, times) {
      const cell = panel().content.widgets[index].model.sharedModel;
      for (let i = 0; i < times; i += 1) {
        const request = { code: cell.getSource(), store_history: false, silent: i % 10 !== 0 };
        await session().session.kernel.requestExecute(request, true, { cellId: cell.id }).done;
      }
    },
    /** Open a notebook, in the kernel that another one has left, or in its own. */
    async open(path, own) {
      await jupyterapp.commands.execute("docmanager:open", own ? { path } : { path, kernel: spare });
      await panel().context.sessionContext.ready;
      follow();
    },
    /** Close all notebooks; a kernel is emptied and kept for the next one, unless it is `own`. */
    async close(own) {
      while (panel()?.context) {
        const closing = panel();
        const kernel = { id: session().session.kernel.id, name: session().session.kernel.name };
        if (own) await session().shutdown();
        closing.dispose();
        unanswered.clear();
        await frame();
        if (own) continue;
        const emptied = jupyterapp.serviceManager.kernels.connectTo({ model: kernel, handleComms: false });
        await emptied.requestExecute({ code: EMPTY, store_history: false }).done;
        emptied.dispose();
        spare ??= kernel;
      }
    },
  };
})();
