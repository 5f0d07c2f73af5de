"""A linked word of a lesson leads to its entry in the glossary."""

from __future__ import annotations

from driving import command

LESSON, GLOSSARY = "notebooks/05_pooling_and_stride", "notebooks/glossary"
SHOW = """anchor => {
  const notebook = jupyterapp.shell.currentWidget.content;
  const links = (cell) => cell.model.sharedModel.getSource().includes(`glossary.ipynb#${anchor})`);
  notebook.scrollToItem(notebook.widgets.findIndex(links), "start");
}"""
ENTRY_IN_VIEW = """term => {
  const { node, context } = jupyterapp.shell.currentWidget;
  if (context.path !== "notebooks/glossary.ipynb") return false;
  const entry = [...node.querySelectorAll("h3")].find((each) => each.textContent.startsWith(term));
  const box = entry?.getBoundingClientRect();
  return Boolean(box) && box.top >= 0 && box.bottom <= window.innerHeight;
}"""


def test_words_lead_to_their_entries(open_notebook):
    page = open_notebook(name=GLOSSARY)
    page.wait_for_function("document.querySelectorAll('.jp-Notebook h3').length > 60")
    for term in ("feature map", "stride"):
        command(page, "docmanager:open", path=f"{LESSON}.ipynb")
        page.wait_for_function("() => jupyterapp.shell.currentWidget.context.isReady")
        assert not page.evaluate(ENTRY_IN_VIEW, term)
        page.evaluate(SHOW, term.replace(" ", "-"))
        page.get_by_role("link", name=term, exact=True).first.click()
        page.wait_for_function(ENTRY_IN_VIEW, arg=term)
