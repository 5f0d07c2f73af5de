"""Every widget in a real browser, briefly: keys and mouse move it, and axe is content everywhere.

The other tests of this folder go through every control of every lesson, and take minutes; `pytest
-m browser` runs them all.
"""

from __future__ import annotations

from inspect import isfunction

import pytest
from driving import ask, command, find_axe_faults, use_dark_theme, wait_for_kernel
from moving import move, ready, scan

SET_UP = """
import torch
from cnn_basics import datasets, exercises, images, widgets
from cnn_basics.model import Custom_CNN
_ = torch.manual_seed(1)
model = Custom_CNN()
pictures, labels, names = datasets.load_pets("test_set")
few = pictures[::300], labels[::300]
"""
SHOWN = "model, *few, datasets.SPECIES, lambda x: x.float() / 255"
WIDGETS = {
    "channel_mixer": "few[0][0].permute(1, 2, 0).numpy()",
    "connections_explorer": "",
    "convolution_lens": "",
    "view_explorer": "",
    "pooling_explorer": "",
    "activation_playground": "",
    "architecture_bench": "",
    "loss_walk": "",
    "training_board": "model, few, few, epochs=1, class_names=names",
    "feature_map_browser": "model, few[0], ['cat', 'dog'], lambda x: x.float() / 255",
    "occlusion_explorer": SHOWN,
    "paint_or_upload": "Custom_CNN(10, 1), '0123456789'",
    "roofline_explorer": "",
}
QUESTIONS = ("exercises.ask('5.4')", "exercises.ask('7.4')")
CELLS = (SET_UP, *(f"widgets.{name}({given})" for name, given in WIDGETS.items()), *QUESTIONS)
# What is moved: the first control that can be, of the first kind that there is.
KINDS = ["slider", "select", "choice", "checkbox", "button", "grid", "number", "text", "file"]
NARROW = {"width": 600, "height": 450}  # as at 200 % zoom
FITS = """root => [...root.querySelectorAll(".jp-OutputArea-output, .jp-OutputArea-output > *")]
  .every((node) => node.scrollWidth <= node.clientWidth + 1)"""


@pytest.fixture(params=range(1, len(CELLS)), ids=[*WIDGETS, *QUESTIONS])
def cell(request, page) -> int:
    ask(page, "show", request.param)
    return request.param


def test_it_answers_to_keys_and_mouse(page, cell):
    controls = ready(scan(page, cell))
    assert move(min(controls, key=lambda control: KINDS.index(control.kind))) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_serious_fault_wide_or_narrow(page, cell, dark):
    use_dark_theme(page, dark)
    root = f'[data-test-root="{cell}"]'
    assert find_axe_faults(page, root) == []
    wide = page.viewport_size
    page.set_viewport_size(NARROW)
    try:
        assert find_axe_faults(page, root) == []
        assert page.locator(root).evaluate(FITS)
    finally:
        page.set_viewport_size(wide)


def test_every_widget_is_here():
    from cnn_basics import widgets

    assert set(WIDGETS) == {name for name, made in vars(widgets).items() if isfunction(made)}


def test_a_lesson_that_is_only_opened_is_saved_as_it_was(lab, open_notebook):
    path = lab.folder / "notebooks" / "04_reshaping.ipynb"
    before, time = path.read_bytes(), path.stat().st_mtime_ns
    page = open_notebook(name="notebooks/04_reshaping")
    wait_for_kernel(page)
    command(page, "docmanager:save")
    assert path.stat().st_mtime_ns > time
    assert path.read_bytes() == before
