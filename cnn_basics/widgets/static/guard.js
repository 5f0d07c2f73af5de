// Looks after the ipywidgets controls in the box that it is put into.

function render({ el }) {
  const life = lifetime();
  el.style.display = "none";
  // The handles of sliders, which have no name, get the text of the label beside them.
  const nameHandles = (box) => {
    for (const handle of box.querySelectorAll(".noUi-handle:not([aria-label])")) {
      const label = handle.closest(".widget-inline-hbox, .widget-inline-vbox")?.querySelector("label");
      if (label) handle.setAttribute("aria-label", label.textContent);
    }
  };
  const attach = () => {
    const box = el.parentElement;
    if (!box?.isConnected) {
      waiting = requestAnimationFrame(attach);
      return;
    }
    ownKeys(life, box, box);
    nameHandles(box);
    const observer = new MutationObserver(() => nameHandles(box));
    observer.observe(box, { childList: true, subtree: true });
    life.atEnd(() => observer.disconnect());
  };
  let waiting = requestAnimationFrame(attach);
  life.atEnd(() => cancelAnimationFrame(waiting));
  return life.end;
}

export default { render };
