"""Tables of confusion and galleries of mistakes: numbers, words and pixels."""

from __future__ import annotations

import pytest
import torch

from cnn_basics import plots

COUNTS = torch.tensor([[480, 20], [0, 500]])


def test_confusion_has_the_counts_in_their_cells():
    figure = plots.plot_confusion(COUNTS, ["cats", "dogs"], "Most lie on the diagonal.")
    (axes,) = figure.axes
    written = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}
    assert written == {(0, 0): "480", (1, 0): "20", (0, 1): "0", (1, 1): "500"}  # (column, row)
    assert axes.get_images()[0].get_array().tolist() == COUNTS.tolist()
    assert axes.get_xlabel() == "answer"
    assert axes.get_ylabel() == "true class"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["cats", "dogs"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["cats", "dogs"]
    assert figure.alt == "Most lie on the diagonal."


def test_the_colour_of_a_count_starts_at_zero():
    counts = torch.tensor([[12, 10], [11, 10]])
    (axes,) = plots.plot_confusion(counts, ["cats", "dogs"], "Guessing: all about alike.").axes
    assert axes.get_images()[0].get_clim() == (0, 12)
    (axes,) = plots.plot_confusion(0 * counts, ["cats", "dogs"], "Nothing was counted.").axes
    assert axes.get_images()[0].get_clim() == (0, 1)


def test_right_answers_are_framed():
    (axes,) = plots.plot_confusion(COUNTS, ["cats", "dogs"], "The diagonal is framed.").axes
    assert [patch.get_xy() for patch in axes.patches] == [(-0.5, -0.5), (0.5, 0.5)]


def test_long_names_are_turned():
    turned = plots.plot_confusion(COUNTS, ["Abyssinian", "dogs"], "Long names.").axes[0]
    straight = plots.plot_confusion(COUNTS, ["cats", "dogs"], "Short names.").axes[0]
    assert turned.get_xticklabels()[0].get_rotation() == 45
    assert straight.get_xticklabels()[0].get_rotation() == 0


@pytest.mark.parametrize("counts", [torch.ones(2, 3), torch.ones(3, 3), torch.ones(4)])
def test_counts_must_fit_the_names(counts):
    with pytest.raises(ValueError, match=r"expected counts \(2, 2\) for 2 names"):
        plots.plot_confusion(counts, ["cats", "dogs"], "Nothing to see.")


@pytest.mark.parametrize("channels", [1, 3])
def test_mistakes_show_picture_truth_answer_and_share(channels):
    pictures = torch.randint(0, 256, (2, channels, 5, 4), dtype=torch.uint8)
    figure = plots.plot_mistakes(
        pictures, ["cat", "dog"], ["dog", "cat"], [0.974, 0.5], "Two mistakes."
    )
    assert [axes.get_title() for axes in figure.axes] == [
        "cat, said\ndog 97 %",
        "dog, said\ncat 50 %",
    ]
    for axes, picture in zip(figure.axes, pictures, strict=True):
        shown = torch.as_tensor(axes.get_images()[0].get_array().data)
        assert torch.equal(shown, picture[0] if channels == 1 else picture.permute(1, 2, 0))


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 2, 8, 8)])
def test_pictures_must_be_a_grey_or_coloured_batch(shape):
    with pytest.raises(ValueError, match="grey or colour pictures"):
        plots.plot_mistakes(torch.ones(shape), ["cat"], ["dog"], [0.9], "Nothing to see.")


def test_each_picture_needs_its_words():
    with pytest.raises(ValueError, match="each of 2 pictures, got 2, 1 and 2"):
        plots.plot_mistakes(
            torch.ones(2, 3, 8, 8), ["cat", "cat"], ["dog"], [0.9, 0.8], "Nothing to see."
        )
