"""The view explorer against PyTorch, and the connections explorer, over every setting."""

import itertools
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets import TraitError

from cnn_basics import widgets
from cnn_basics.widgets.connections import RANGES
from cnn_basics.widgets.views import ViewExplorer, answer_view, read_sizes

SHAPES = [
    list(shape)
    for axes in (1, 2, 3, 4)
    for shape in itertools.product((1, 2, 3, 4, 6, 12), repeat=axes)
    if math.prod(shape) == 12
]


def test_every_shape_and_order_of_axes_is_as_pytorch_says():
    explorer = widgets.view_explorer(12)
    for shape in SHAPES:
        same = len(shape) == len(explorer.shape)
        explorer.shape = shape
        assert same or explorer.permutation == list(range(len(shape)))
        for order in itertools.permutations(range(len(shape))):
            explorer.permutation = list(order)
            view = explorer.view
            y = torch.arange(12).view(shape).permute(order)
            assert (view["shape"], view["strides"]) == (list(y.shape), list(y.stride()))
            assert view["contiguous"] == y.is_contiguous()
            index = itertools.product(*map(range, y.shape))
            by_strides = [sum(map(int.__mul__, i, y.stride())) for i in index]
            assert view["places"] == by_strides == y.flatten().tolist()
            scope = {"torch": torch}
            exec("\n".join(view["code"]), scope)
            assert torch.equal(scope["y"], y)
    for place in range(12):
        explorer.element = place
        assert explorer.still().alt.endswith(f"= {place}.")


@pytest.mark.parametrize("target", ["2, 6, 1", "-1", "2, 6", "3, 2, 2", "5, 3", "-1, -1"])
@pytest.mark.parametrize("y", [torch.arange(12).view(3, 4).T, torch.arange(12)], ids=["T", "flat"])
def test_an_answer_is_pytorchs(y, target):
    sizes, answer = read_sizes(target), answer_view(y, target)
    wanted = {"works": True, "reshape": ""}
    try:
        z = y.view(*sizes)
        said = f"shape {tuple(z.shape)}, strides {z.stride()}, on the same memory: {z.tolist()}"
    except RuntimeError as error:
        said, wanted["works"] = f"RuntimeError: {error}", False
        if target not in ("5, 3", "-1, -1"):
            numbers = y.reshape(*sizes).tolist()
            wanted["reshape"] = f"y.reshape({target}) copies the numbers first: {numbers}"
    assert answer == wanted | {"text": said}


def test_sizes_are_read_as_they_are_written_and_other_text_gets_a_sentence():
    right = {"2, 6": [2, 6], "(2, 6)": [2, 6], "(12,)": [12], " −1 ": [-1], "3,4,": [3, 4]}
    assert [read_sizes(text) for text in right] == list(right.values())
    for text in ("", "two", "2.5", "2 6", "2,,6", "--1", "1e3", "99999999999999"):
        answer = answer_view(torch.arange(12), text)
        assert answer["works"] is False
        assert re.match("expected .*: write ", answer["text"])


@settings(max_examples=80)
@given(st.text(alphabet="0123456789-−,() ²٣", max_size=8), st.sampled_from([[3, 4], [2, 3, 2]]))
def test_nothing_that_is_typed_raises(text, shape):
    explorer = ViewExplorer(12, shape=shape, permutation=list(reversed(range(len(shape)))))
    explorer.target = text
    assert explorer.view["answer"]["text"]


def test_every_number_of_numbers_starts_with_a_matrix_and_other_shapes_are_refused():
    for numbers in range(1, 25):
        explorer = widgets.view_explorer(np.int64(numbers))
        assert len(explorer.shape) == 2
        assert explorer.view["places"] == list(range(numbers))
    for shape in ([5, 3], [], [1, 1, 1, 1, 24], [-3, -8]):
        words = "expected a shape of 24 numbers with 1 to 4 axes, got"
        with pytest.raises(TraitError, match=words):
            explorer.shape = shape
    explorer.shape = list(np.array([2, 12]))
    assert [type(size) for size in explorer.shape] == [int, int]


@pytest.mark.parametrize("index", [(1, 0, 1), (0, 2, 0)])
def test_the_picture_outlines_the_element_twice(index):
    explorer = widgets.view_explorer(12)
    explorer.shape, explorer.permutation = [2, 3, 2], [2, 1, 0]
    place = index[0] + 2 * index[1] + 6 * index[2]
    explorer.element = place
    figure = explorer.still()
    steps = f"{index[0]}·1 + {index[1]}·2 + {index[2]}·6 = {place}"
    assert figure.alt.endswith(f"y{list(index)} sits at {steps}.")
    framed = [[p.get_xy() for p in a.patches if p.get_linewidth() == 3] for a in figure.axes]
    row = 3 * index[0] + index[1]
    assert framed == [[(place - 0.5, -0.5)], [(index[2] - 0.5, row - 0.5)]]


def test_kernel_and_unit_stay_inside_over_the_range_of_every_control():
    explorer = widgets.connections_explorer(np.int64(12))
    explorer.unit = [9, 9]
    for size in reversed(RANGES["size"]):
        for kernel_size in (k for k in RANGES["kernel_size"] if k <= size):
            explorer.size, explorer.kernel_size = np.int64(size), kernel_size
            explorer.unit = [99, 0]
            assert explorer.unit == [size - kernel_size, 0]
        assert f"Output ({size - kernel_size}, 0)" in explorer.still().alt
    explorer.kernel_size, explorer.size = 5, 4
    assert (explorer.kernel_size, explorer.unit) == (4, [0, 0])


def test_the_picture_names_the_weights_where_they_can_be_read():
    explorer = widgets.connections_explorer(6)
    assert "weights 217 to 252, its own" in explorer.still().alt
    assert "weights a to i, the same for every output" in explorer.still().alt
    full, _, convolution, _ = explorer.still().axes
    assert [text.get_text() for text in full.texts] == [str(n) for n in range(217, 253)]
    assert "".join(text.get_text() for text in convolution.texts) == "abcdefghi"
    places = [text.get_position() for text in convolution.texts if text.get_text()]
    assert (places[0], places[-1]) == ((2, 1), (4, 3))
    explorer.size = 12
    assert not any(text.get_text() for text in explorer.still().axes[0].texts)
