"""The common parts of the widgets, with real ipywidgets, and what each widget refuses."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from types import SimpleNamespace

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image
from traitlets import TraitError

from cnn_basics import widgets
from cnn_basics.figures import new_figure
from cnn_basics.widgets import FrontEndWidget, RedrawnFigure, Slider
from cnn_basics.widgets.parts import (
    VIEW,
    WithFallback,
    checkbox,
    read_static,
    replace_previous,
    running_cell,
)

REFUSED = [
    ("pooling_explorer", {"x": torch.ones(2, 2, dtype=torch.int64)}, TypeError, "convert a tens"),
    ("pooling_explorer", {"x": [[1.0]]}, TypeError, "convert a tensor"),
    ("pooling_explorer", {"x": torch.ones(1, 1, 4, 4)}, ValueError, r"x\[0, 0, :10, :10\]"),
    ("pooling_explorer", {"x": torch.ones(11, 3)}, ValueError, "at most 10×10"),
    ("pooling_explorer", {"x": torch.tensor([[float("nan")]])}, ValueError, "finite"),
    ("channel_mixer", {"image": [[0]]}, TypeError, "read the file first"),
    ("channel_mixer", {"image": np.zeros((2, 2, 3))}, ValueError, "uint8"),
    ("view_explorer", {"numbers": 0}, ValueError, "expected numbers as a whole number from 1"),
    ("view_explorer", {"numbers": 25}, ValueError, "expected 1 to 24 numbers, got 25"),
    ("view_explorer", {"numbers": 2.0}, TypeError, "whole number"),
    ("view_explorer", {"numbers": True}, TypeError, "whole number"),
    ("connections_explorer", {"size": 3}, TraitError, "expected size from 4 to 12, got 3"),
    ("connections_explorer", {"size": 6.5}, TypeError, "expected size"),
    ("architecture_bench", {"input_shape": (3, 28)}, ValueError, r"\(C, H, W\) of 1 to 512 each"),
    ("architecture_bench", {"input_shape": (3, 28, 0)}, ValueError, r"got \(3, 28, 0\)"),
    ("architecture_bench", {"input_shape": (3, 28, 1024)}, ValueError, "512"),
    ("architecture_bench", {"input_shape": (3.0, 28, 28)}, ValueError, r"got \(3.0, 28, 28\)"),
    ("architecture_bench", {"preset": "VGG"}, ValueError, "one of 'Custom_CNN', .* got 'VGG'"),
]


@pytest.mark.parametrize(("name", "arguments", "error", "words"), REFUSED)
def test_what_a_widget_cannot_show_is_refused(name, arguments, error, words):
    with pytest.raises(error, match=words):
        getattr(widgets, name)(**arguments)


def draw(rows: int, bold: bool = False):
    if rows == 4:
        raise ValueError("expected rows <other> than 4, got 4: move on")
    if rows == 5:
        raise ZeroDivisionError("5 rows")
    return new_figure(width=2, height=1, alt=f'{rows} "rows", bold {bold}' * (rows != 6))[0]


def make():
    return RedrawnFigure({"rows": Slider("rows", 1, min=0, max=6), "bold": checkbox("bold")}, draw)


def test_every_value_of_every_control_draws_its_picture_once():
    shown = make()
    for rows in (0, 2, 3):
        for bold in (True, False):
            shown.controls["rows"].value, shown.controls["bold"].value = rows, bold
            assert f'alt="{rows} &quot;rows&quot;, bold {bold}"' in shown.picture.value
    before = shown.drawings
    shown.controls["rows"].value = 1
    shown.controls["rows"].value = 1
    assert shown.drawings == before + 1
    data = re.search(r"base64,([^\"]+)", shown.picture.value)[1]
    assert Image.open(BytesIO(base64.b64decode(data))).size == (200, 100)
    assert 'width="200" height="100"' in shown.picture.value


def test_a_refusal_is_shown_as_its_sentence_and_goes_away_and_other_errors_are_not_hidden():
    shown = make()
    shown.controls["rows"].value = 4
    assert 'role="alert"' in shown.picture.value
    assert "expected rows &lt;other&gt; than 4, got 4: move on" in shown.picture.value
    assert shown.still().alt == "expected rows <other> than 4, got 4: move on"
    shown.controls["rows"].value = 3
    assert "alert" not in shown.picture.value
    for rows, error, words in ((5, ZeroDivisionError, "rows"), (6, ValueError, r"set figure\.alt")):
        with pytest.raises(error, match=words):
            shown.controls["rows"].value = rows


def test_a_change_made_by_drawing_leads_to_the_last_state():
    size, limit = (Slider(name, value, min=0, max=9) for name, value in (("size", 2), ("limit", 5)))
    slider = size

    def draw_limited(size, limit):
        slider.value = min(size, limit)
        return new_figure(alt=f"size {slider.value}, slider {size}")[0]

    shown = RedrawnFigure({"size": size, "limit": limit}, draw_limited)
    size.value = 8
    assert 'alt="size 5, slider 5"' in shown.picture.value
    assert shown.drawings == 3


def test_what_a_notebook_stores():
    shown = make()
    data, metadata = shown._repr_mimebundle_()
    assert list(data) == [VIEW, "image/png", "text/plain"]
    assert data[VIEW]["model_id"] == shown.model_id
    assert data["text/plain"] == metadata["image/png"]["alt"] == '1 "rows", bold False'
    assert metadata["image/png"]["width"] == 200
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert repr(shown) == "<RedrawnFigure>"

    class Silent(WithFallback, ipywidgets.HTML):
        pass

    with pytest.raises(NotImplementedError, match="Silent has no still"):
        Silent()._repr_mimebundle_()


def open_widgets() -> set[str]:
    return set(ipywidgets.widgets.widget._instances)


def test_close_and_a_second_run_of_a_cell_close_everything_that_was_made():
    assert running_cell() is None  # outside of Jupyter nothing is closed
    before = open_widgets()
    shown = make()
    assert len(open_widgets()) > len(before) + 8
    shown.close()
    assert open_widgets() == before
    counts = set()
    for run in range(8):
        for shown in (make(), make()):
            replace_previous(shown, ("cell 1", f"run {run}"))
        counts.add(len(open_widgets()))
    assert len(counts) == 1
    other, new = make(), make()
    replace_previous(other, ("cell 2", "run 8"))
    assert shown.comm is not None  # another cell's run leaves it alone
    replace_previous(new, ("cell 1", "run 9"))
    assert [each.comm is None for each in (shown, other, new)] == [True, False, False]


@pytest.mark.parametrize(("metadata", "run"), [({"cellId": "a"}, ("a", "7")), ({}, None)])
def test_the_running_cell_is_the_one_that_jupyter_names(monkeypatch, metadata, run):
    parent = {"header": {"msg_id": "7"}, "metadata": metadata}
    shell = SimpleNamespace(kernel=SimpleNamespace(get_parent=lambda _: parent))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert running_cell() == run


def test_a_slider_takes_numpys_numbers_and_refuses_what_is_outside():
    slider = Slider("rows", np.int64(1), min=np.int32(0), max=np.float64(5))
    assert (type(slider.value), type(slider.min), slider.max, slider.step) == (int, int, 5, 1)
    slider.value = 2.5
    for value in (-1, 6):
        with pytest.raises(TraitError, match=rf"expected rows from 0 to 5, got {value}: choose"):
            slider.value = value
    assert slider.value == 2.5


@pytest.mark.parametrize("kind", FrontEndWidget.__subclasses__())
def test_every_script_is_one_module_that_loads_nothing(kind):
    assert kind._esm.startswith(read_static("parts.js"))
    assert kind._esm.count("export default") == 1
    lines = (line.strip() for line in kind._esm.splitlines())
    code = "\n".join(line for line in lines if not line.startswith(("//", "*")))
    for word in ("import ", "require(", "http://", "https://", "fetch("):
        assert word not in code.replace("http://www.w3.org/2000/svg", "")
    assert "url(" not in kind._css
    with pytest.raises(FileNotFoundError, match=r"expected one of none\.js in .*, got none: add"):
        read_static("none.js")
