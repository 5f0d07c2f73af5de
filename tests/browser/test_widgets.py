"""Every widget in a real browser, briefly: it answers to keys and to the mouse, and axe is content.

The other tests of this folder go through every control of every lesson, and take minutes; `pytest
-m browser` runs them all.
"""

from __future__ import annotations

import pytest
from driving import find_axe_faults
from moving import Control, ask, move, scan

SET_UP = """
import torch
from cnn_basics import datasets, images, widgets
from cnn_basics.model import Custom_CNN
_ = torch.manual_seed(1)
model = Custom_CNN()
pictures, labels, names = datasets.load_pets("test_set")
few = pictures[::300], labels[::300]
"""
SHOWN = "model, *few, datasets.SPECIES, lambda x: x.float() / 255"
WIDGETS = {
    "channel_mixer": "images.resize(few[0][0].permute(1, 2, 0).numpy(), 224)",
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
KINDS = [
    "slider",
    "select",
    "handle",
    "choice",
    "checkbox",
    "button",
    "grid",
    "number",
    "text",
    "file",
]


@pytest.fixture(scope="module")
def page(open_notebook):
    return open_notebook(SET_UP, *(f"widgets.{name}({given})" for name, given in WIDGETS.items()))


@pytest.fixture(params=range(1, len(WIDGETS) + 1), ids=list(WIDGETS))
def cell(request, page) -> int:
    ask(page, "show", request.param)
    return request.param


def first_control(page, cell: int) -> Control:
    """The first that can be moved, a slider if there is one."""
    ready = [control for control in scan(page, cell) if not control.given["disabled"]]
    return min(ready, key=lambda control: KINDS.index(control.kind))


def test_it_answers_to_keys_and_mouse(page, cell, faults):
    assert move(first_control(page, cell)) == []


def test_no_serious_fault_of_accessibility(page, cell, faults):
    assert find_axe_faults(page, f'[data-test-root="{cell}"]') == []


def test_every_widget_is_here():
    from cnn_basics import widgets

    made = {name for name in widgets.__all__ if name[0].islower()}
    assert set(WIDGETS) == {name for name in made if callable(getattr(widgets, name))}
