"""The common parts of the widgets, with real ipywidgets, and what each widget refuses."""

from __future__ import annotations

import base64
import inspect
import re
from io import BytesIO
from types import SimpleNamespace

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from traitlets import TraitError

from cnn_basics import widgets
from cnn_basics.figures import new_figure
from cnn_basics.model import Custom_CNN
from cnn_basics.widgets import FrontEndWidget, RedrawnFigure, Slider
from cnn_basics.widgets.parts import (
    VIEW,
    WithFallback,
    checkbox,
    read_static,
    replace_previous,
    running_cell,
)

DATA = torch.rand(2, 3, 28, 28), torch.tensor([0, 1])
MODEL = {"model": Custom_CNN()}
GIVEN = {
    "channel_mixer": {"image": np.full((6, 9, 3), 200, np.uint8)},
    "training_board": MODEL | {"train": DATA, "valid": DATA},
    "feature_map_browser": MODEL | {"pictures": DATA[0], "titles": "ab"},
    "occlusion_explorer": MODEL | {"pictures": DATA[0], "labels": [0, 1], "names": ["cat", "dog"]},
    "paint_or_upload": {"model": Custom_CNN(10, 1), "class_names": "0123456789"},
}
NO_NUMBERS = Custom_CNN()
NO_NUMBERS.fc2.bias.data[0] = torch.nan
MADE = [name for name, made in vars(widgets).items() if inspect.isfunction(made)]


def make_any(name: str, **given):
    return getattr(widgets, name)(**GIVEN.get(name, {}) | given)


PICTURES = [
    ("pictures", DATA[0][0], ValueError, "expected 1 to 12"),
    ("pictures", DATA[0][:1].expand(13, -1, -1, -1), ValueError, "expected 1 to 12"),
    ("pictures", DATA[0][:, :2], ValueError, "expected 1 to 12"),
    ("pictures", DATA[0].tolist(), TypeError, r"got a list: write torch\.as_tensor"),
]
REFUSED = {
    "feature_map_browser": [
        *PICTURES,
        ("titles", "a", ValueError, "a title for each of 2 pictures, got 1"),
        ("model", nn.Flatten(), ValueError, "with a step that gives maps"),
    ],
    "occlusion_explorer": [
        *PICTURES,
        ("pictures", DATA[0][:, :, :8], ValueError, "at least 12×12 pixels, got 8×28"),
        ("labels", [0], ValueError, "a title for each of 2 pictures, got 1"),
        ("labels", [0, 2], ValueError, r"expected labels from 0 to 1, .* got \[0, 2\]"),
        ("labels", np.array([0, -1]), ValueError, r"got \[0, -1\]"),
        ("names", ["cat", "dog", "hen"], ValueError, "expected 2 names, one for each .* got 3"),
        ("model", NO_NUMBERS, ValueError, "that gives finite scores, got nan or inf"),
    ],
    "pooling_explorer": [
        ("x", torch.ones(2, 2, dtype=torch.int64), TypeError, "convert a tens"),
        ("x", [[1.0]], TypeError, "convert a tensor"),
        ("x", torch.ones(1, 1, 4, 4), ValueError, r"x\[0, 0, :10, :10\]"),
        ("x", torch.ones(11, 3), ValueError, "at most 10×10"),
        ("x", torch.tensor([[float("nan")]]), ValueError, "finite"),
    ],
    "channel_mixer": [
        ("image", [[0]], TypeError, "read the file first"),
        ("image", np.zeros((2, 2, 3)), ValueError, "uint8"),
    ],
    "view_explorer": [
        ("numbers", 0, ValueError, "expected numbers as a whole number from 1"),
        ("numbers", 25, ValueError, "expected 1 to 24 numbers, got 25"),
        ("numbers", 2.0, TypeError, "whole number"),
        ("numbers", True, TypeError, "whole number"),
    ],
    "connections_explorer": [
        ("size", 3, TraitError, "expected size from 4 to 12, got 3"),
        ("size", 6.5, TypeError, "expected size"),
    ],
    "architecture_bench": [
        ("input_shape", (3, 28), ValueError, r"\(C, H, W\) of 1 to 512 each"),
        ("input_shape", (3, 28, 0), ValueError, r"got \(3, 28, 0\)"),
        ("input_shape", (3, 28, 1024), ValueError, "512"),
        ("input_shape", (3.0, 28, 28), ValueError, r"got \(3.0, 28, 28\)"),
        ("preset", "VGG", ValueError, "one of 'Custom_CNN', .* got 'VGG'"),
    ],
    "convolution_lens": [
        ("x", torch.zeros(13, 4), ValueError, r"at most 3 channels of 12×12, got \(13, 4\)"),
        ("x", torch.zeros(4, 4, 4), ValueError, r"got \(4, 4, 4\): cut out a patch"),
        ("x", torch.zeros(0, 4), ValueError, r"got \(0, 4\)"),
        ("x", torch.zeros(4), ValueError, r"got \(4,\)"),
        ("x", "picture", TypeError, "as a tensor of real numbers, got 'picture'"),
        ("x", [[1, 2], [3]], TypeError, "as a tensor of real numbers, got a list"),
        ("x", torch.zeros(2, 2) * 1j, TypeError, "of real numbers, got a complex64 tensor"),
        ("x", torch.full((2, 2), float("nan")), ValueError, "not finite"),
        ("x", torch.full((2, 2), 1001.0), ValueError, "from −1000 to 1000"),
        ("kernel", "soble", ValueError, "one of the names 'identity', .* got 'soble'"),
        ("kernel", torch.ones(2, 3), ValueError, r"with k from 1 to 5, got \(2, 3\)"),
        ("kernel", torch.ones(6, 6), ValueError, r"got \(6, 6\)"),
        ("kernel", torch.ones(2, 3, 3), ValueError, r"\(1, k, k\), one slice for each channel"),
        ("stride", 4, ValueError, "expected stride from 1, 2, 3, got 4"),
        ("padding", -1, ValueError, "expected padding as a whole number from 0, got -1"),
        ("dilation", 1.5, TypeError, "expected dilation as a whole number from 1, got 1.5"),
        ("groups", 2, ValueError, "expected groups from 1, got 2"),
        ("bias", "big", TypeError, "expected bias"),
        ("bias", float("inf"), ValueError, "bias with numbers from −1000 to 1000"),
    ],
    "loss_walk": [
        ("surface", "hill", TraitError, "expected any of .'bowl', 'ravine', .* not the str 'hill'"),
        ("rule", "SGD", TraitError, r"any of \['sgd', 'momentum', 'adam'\], not the str 'SGD'"),
        ("learning_rate", 0.0, TraitError, r"as a number from 1e-30 to 1e\+30, got 0"),
        ("learning_rate", float("nan"), TraitError, r"1e\+30, got nan"),
        ("start", [1.0], TraitError, r"expected start as two finite numbers, got \[1.0\]"),
        ("start", [1.0, float("inf")], TraitError, "two finite numbers"),
    ],
    "training_board": [
        ("model", "Custom_CNN", TypeError, "expected a network .* got str"),
        ("epochs", 0, ValueError, "expected epochs as a whole number from 1, got 0"),
        ("epochs", 2.0, TypeError, "got 2.0"),
        ("lr", 0.1, TypeError, "expected options of fit .* got lr: leave it out"),
        ("on_batch", print, TypeError, "got on_batch"),
        ("train", DATA[0], TypeError, "expected train as a pair"),
        ("valid", (DATA[0][0], DATA[1]), ValueError, r"expected the pictures of valid as \(N"),
    ],
    "paint_or_upload": [
        ("class_names", "ab", ValueError, r"expected 10 class names, .* got 2: give the names"),
        ("model", nn.Sequential(nn.Conv2d(2, 4, 3)), ValueError, "in_channels 1 or 3, got 2"),
        ("model", nn.Linear(3, 2), ValueError, "in_channels 1 or 3, got None"),
        ("size", 30, ValueError, "28"),
        ("layers", ["conv3"], ValueError, "expected a step of the network"),
        ("model", nn.Conv2d(3, 2, 3), ValueError, r"picture, got a float32 tensor .* \(1, 2, 26"),
        ("photo", "gone.png", FileNotFoundError, "gone"),
        ("photo", __file__, ValueError, r"test_widgets_parts\.py is not a picture"),
    ],
}
CASES = [(widget, *case) for widget, cases in REFUSED.items() for case in cases]


@pytest.mark.parametrize(("widget", "name", "value", "error", "words"), CASES)
def test_a_wrong_value_is_refused_at_once(widget, name, value, error, words):
    with pytest.raises(error, match=words):
        make_any(widget, **{name: value})


CELLS = (["output", 1], ["kernel", 0, 0, 0], ["output", 0, 0.5, 0])
CELL = r"expected selected as .* for example \['output', 0"
LATER = [
    *((w, n, v, words) for w in ("convolution_lens", "loss_walk") for n, v, _, words in REFUSED[w]),
    *(("convolution_lens", "selected", cell, CELL) for cell in CELLS),
    ("convolution_lens", "x", torch.zeros(2, 4, 4), "x with 1 channels, as before, got"),
    ("connections_explorer", "kernels", 9, "from 1 to 8, got 9: choose a number"),
    ("architecture_bench", "layers", [{"kind": "ReLU"}] * 25, "24 layers, got 25"),
    ("architecture_bench", "layers", [{"kind": "Conv3d"}], "got Conv3d: use Conv2d, Re"),
    ("architecture_bench", "layers", [{"kind": "ReLU", "slope": 1}], "slope: use no arguments"),
    ("occlusion_explorer", "picture", 2, "expected picture as one of 0 to 1"),
    ("occlusion_explorer", "row", 11, "expected row as one of 0 to 10"),
    ("occlusion_explorer", "column", -1, "expected column as one of"),
    ("occlusion_explorer", "size", 5, "expected size as one of 8 to 12"),
]


@pytest.mark.parametrize(("widget", "name", "value", "words"), LATER)
def test_a_wrong_value_is_refused_later_and_changes_nothing(widget, name, value, words):
    shown = make_any(widget)
    before = getattr(shown, name)
    with pytest.raises(TraitError, match=words):
        setattr(shown, name, value)
    assert getattr(shown, name) == before


def open_widgets() -> set[str]:
    return set(ipywidgets.widgets.widget._instances)


@pytest.mark.parametrize("name", MADE)
def test_every_widget_stores_a_picture_with_its_words_and_closing_leaves_nothing(name):
    before = open_widgets()
    shown = make_any(name)
    data, metadata = shown._repr_mimebundle_()
    assert list(data) == [VIEW, "image/png", "text/plain"]
    assert data[VIEW]["model_id"] == shown.model_id
    assert data["text/plain"] == metadata["image/png"]["alt"] == shown.still().alt
    picture = Image.open(BytesIO(base64.b64decode(data["image/png"])))
    assert 1 <= picture.width / metadata["image/png"]["width"] <= 3
    assert len(data["image/png"]) < 200_000
    assert repr(shown) == f"<{type(shown).__name__}>"
    shown.close()
    assert open_widgets() == before


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
    assert ">ZeroDivisionError: 5 rows</p>" in shown.picture.value
    shown.controls["rows"].value = 2
    assert 'alt="2 &quot;rows' in shown.picture.value


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


def test_a_widget_without_a_picture_of_its_own_is_noticed():
    class Silent(WithFallback, ipywidgets.HTML):
        pass

    with pytest.raises(NotImplementedError, match="Silent has no still"):
        Silent()._repr_mimebundle_()


def test_a_second_run_of_a_cell_closes_everything_that_was_made():
    assert running_cell() is None  # outside of Jupyter nothing is closed
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
