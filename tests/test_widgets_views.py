"""The view explorer: shapes, strides and answers against PyTorch, over every setting."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets import TraitError

from cnn_basics import widgets
from cnn_basics.plots.strides import plot_strides, spell_place
from cnn_basics.widgets.view_answers import (
    answer_view,
    describe_view,
    legal_shapes,
    permuted,
    read_sizes,
)
from cnn_basics.widgets.views import ViewExplorer


@pytest.mark.parametrize("numbers", [1, 7, 12, 24])
def test_legal_shapes_are_all_there_are(numbers):
    for axes in (1, 2, 3):
        sizes = itertools.product(range(1, numbers + 1), repeat=axes)
        expected = [list(shape) for shape in sizes if math.prod(shape) == numbers]
        assert legal_shapes(numbers, axes) == expected
    assert all(math.prod(shape) == numbers for shape in legal_shapes(numbers, 4))


def test_every_shape_and_order_of_axes_is_as_pytorch_says():
    for axes in (1, 2, 3, 4):
        for shape in legal_shapes(12, axes):
            for order in itertools.permutations(range(axes)):
                view = describe_view(shape, list(order), "-1")
                y = torch.arange(12).view(shape).permute(order)
                assert (view["shape"], view["strides"]) == (list(y.shape), list(y.stride()))
                assert view["contiguous"] == y.is_contiguous()
                index = list(itertools.product(*map(range, y.shape)))
                by_strides = [sum(map(int.__mul__, i, y.stride())) for i in index]
                assert view["places"] == by_strides == y.flatten().tolist()
                assert "\n".join(view["code"]).endswith(")")


def test_every_control_over_its_range():
    explorer = widgets.view_explorer(12)
    for axes, shapes in explorer.shapes.items():
        for shape in shapes:
            explorer.shape = shape
            assert len(explorer.permutation) == int(axes)
            for order in explorer.orders[axes]:
                explorer.permutation = order
                assert explorer.view == describe_view(shape, order, "-1")
    for place in range(12):
        explorer.element = place
        assert explorer.still().alt.endswith(f"= {place}.")


def test_another_number_of_axes_puts_them_back_in_order():
    explorer = ViewExplorer(12, shape=[3, 4], permutation=[1, 0])
    explorer.shape = [2, 3, 2]
    assert explorer.permutation == [0, 1, 2]
    assert explorer.view["contiguous"]


def test_the_code_makes_what_is_shown():
    view = describe_view([2, 3, 2], [2, 0, 1], "12")
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


@pytest.mark.parametrize("target", ["-1", "2, 6", "3, 2, 2"])
def test_a_view_that_cannot_be_is_told_in_pytorchs_words(target):
    y = permuted([3, 4], [1, 0])
    sizes = read_sizes(target)
    with pytest.raises(RuntimeError) as caught:
        y.view(*sizes)
    answer = answer_view(y, target)
    assert not answer["works"]
    assert answer["text"] == f"RuntimeError: {caught.value}"
    assert str(y.reshape(*sizes).tolist()) in answer["reshape"]


def test_a_wrong_number_of_cells_is_told_in_pytorchs_words():
    answer = answer_view(torch.arange(12), "5, 3")
    assert answer["text"] == "RuntimeError: shape '[5, 3]' is invalid for input of size 12"
    assert answer["reshape"] == ""


@pytest.mark.parametrize(
    ("text", "sizes"),
    [("2, 6", [2, 6]), ("(2, 6)", [2, 6]), ("(12,)", [12]), (" −1 ", [-1]), ("3,4,", [3, 4])],
)
def test_sizes_are_read_as_they_are_written(text, sizes):
    assert read_sizes(text) == sizes


@pytest.mark.parametrize("text", ["", "two", "2.5", "2 6", "2,,6", "--1", "1e3", "99999999999999"])
def test_other_text_gets_a_sentence(text):
    with pytest.raises(ValueError, match=r"^expected .* got .*: write "):
        read_sizes(text)
    assert answer_view(torch.arange(12), text)["works"] is False


@settings(max_examples=80)
@given(st.text(alphabet="0123456789-−,() ²٣", max_size=8), st.sampled_from([[3, 4], [2, 3, 2]]))
def test_nothing_that_is_typed_raises(text, shape):
    explorer = ViewExplorer(12, shape=shape, permutation=list(reversed(range(len(shape)))))
    explorer.target = text
    assert explorer.view["answer"]["text"]
    explorer.close()


@pytest.mark.parametrize("numbers", [0, 25, 2.0, True, "12"])
def test_other_numbers_are_refused(numbers):
    with pytest.raises(ValueError, match="expected 1 to 24 numbers, got"):
        widgets.view_explorer(numbers)


def test_an_illegal_shape_is_refused():
    explorer = widgets.view_explorer(12)
    with pytest.raises(TraitError, match=r"expected a shape of 12 numbers .* got \[5, 3\]"):
        explorer.shape = [5, 3]


@pytest.mark.parametrize("numbers", range(1, 25))
def test_every_number_of_numbers_starts_with_a_matrix(numbers):
    explorer = widgets.view_explorer(numbers)
    assert len(explorer.shape) == 2
    assert explorer.view["places"] == list(range(numbers))
    assert explorer.still().alt


def test_the_picture_outlines_the_element_twice():
    figure = plot_strides(torch.arange(12).view(2, 3, 2), (1, 0, 1))
    assert figure.alt.endswith("y[1, 0, 1] sits at 1·6 + 0·2 + 1·1 = 7.")
    framed = [
        (axes.get_title(), patch.get_xy())
        for part in figure.subfigs
        for axes in part.axes
        for patch in axes.patches
        if patch.get_linewidth() == 3
    ]
    assert framed == [("memory", (6.5, -0.5)), ("y[1]", (0.5, -0.5))]


def test_places_are_spelled_out():
    assert spell_place((2, 1), (1, 4)) == "2·1 + 1·4 = 6"


def test_what_is_stored_says_what_is_shown():
    data, metadata = widgets.view_explorer()._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"]
