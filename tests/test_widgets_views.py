"""The view explorer: shapes, strides and answers against PyTorch, over every setting."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets import TraitError

from cnn_basics import widgets
from cnn_basics.widgets.views import (
    ViewExplorer,
    answer_view,
    describe_view,
    draw_view,
    read_sizes,
)


def legal_shapes(numbers: int) -> list[list[int]]:
    sizes = range(1, numbers + 1)
    every = (itertools.product(sizes, repeat=axes) for axes in (1, 2, 3, 4))
    return [list(s) for s in itertools.chain.from_iterable(every) if math.prod(s) == numbers]


def test_every_shape_and_order_of_axes_is_as_pytorch_says():
    explorer = widgets.view_explorer(12)
    for shape in legal_shapes(12):
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
    for place in range(12):
        explorer.element = place
        assert explorer.still().alt.endswith(f"= {place}.")


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_the_code_makes_what_is_shown(order):
    view = describe_view([2, 3, 2], order, "12")
    scope = {"torch": torch}
    exec("\n".join(view["code"]), scope)
    assert scope["y"].flatten().tolist() == view["places"]
    assert list(scope["y"].stride()) == view["strides"]


def test_a_view_that_works_tells_what_it_gives():
    answer = answer_view(torch.arange(6).view(2, 3), "3, -1")
    assert answer["works"]
    assert answer["text"] == (
        "shape (3, 2), strides (2, 1), on the same memory: [[0, 1], [2, 3], [4, 5]]"
    )


@pytest.mark.parametrize("target", ["-1", "2, 6", "3, 2, 2", "5, 3", "-1, -1"])
def test_a_view_that_cannot_be_is_told_in_pytorchs_words(target):
    y = torch.arange(12).view(3, 4).T
    sizes = read_sizes(target)
    with pytest.raises(RuntimeError) as caught:
        y.view(*sizes)
    answer = answer_view(y, target)
    assert not answer["works"]
    assert answer["text"] == f"RuntimeError: {caught.value}"
    wanted = "" if target in ("5, 3", "-1, -1") else str(y.reshape(*sizes).tolist())
    assert answer["reshape"].partition(": ")[2] == wanted


def test_sizes_are_read_as_they_are_written_and_other_text_gets_a_sentence():
    right = {"2, 6": [2, 6], "(2, 6)": [2, 6], "(12,)": [12], " −1 ": [-1], "3,4,": [3, 4]}
    assert [read_sizes(text) for text in right] == list(right.values())
    for text in ("", "two", "2.5", "2 6", "2,,6", "--1", "1e3", "99999999999999"):
        answer = answer_view(torch.arange(12), text)
        assert answer["works"] is False
        assert answer["text"].startswith("expected ")
        assert ": write " in answer["text"]


@settings(max_examples=80)
@given(st.text(alphabet="0123456789-−,() ²٣", max_size=8), st.sampled_from([[3, 4], [2, 3, 2]]))
def test_nothing_that_is_typed_raises(text, shape):
    explorer = ViewExplorer(12, shape=shape, permutation=list(reversed(range(len(shape)))))
    explorer.target = text
    assert explorer.view["answer"]["text"]
    explorer.close()


@pytest.mark.parametrize(
    ("numbers", "error"),
    [(0, ValueError), (25, ValueError), (2.0, TypeError), (True, TypeError), ("12", TypeError)],
)
def test_other_numbers_are_refused(numbers, error):
    with pytest.raises(error, match=r"expected .* number"):
        widgets.view_explorer(numbers)


def test_every_number_of_numbers_starts_with_a_matrix_and_other_shapes_are_refused():
    for numbers in range(1, 25):
        explorer = widgets.view_explorer(np.int64(numbers))
        assert len(explorer.shape) == 2
        assert explorer.view["places"] == list(range(numbers))
        assert explorer.still().alt
    for shape in ([5, 3], [], [1, 1, 1, 1, 24], [-3, -8]):
        words = "expected a shape of 24 numbers with 1 to 4 axes, got"
        with pytest.raises(TraitError, match=words):
            explorer.shape = shape


def test_the_picture_outlines_the_element_twice():
    figure = draw_view(torch.arange(12).view(2, 3, 2), (1, 0, 1))
    assert figure.alt.endswith("y[1, 0, 1] sits at 1·6 + 0·2 + 1·1 = 7.")
    axes = [axes for part in figure.subfigs for axes in part.axes]
    framed = [
        (a.get_title(), p.get_xy()) for a in axes for p in a.patches if p.get_linewidth() == 3
    ]
    assert framed == [("memory", (6.5, -0.5)), ("y[1]", (0.5, -0.5))]
