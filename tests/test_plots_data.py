"""Data, labels, limits and alt texts of lines, bars, learning curves, pictures and histograms."""

from __future__ import annotations

import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from refusing import refusing

from cnn_basics import plots
from cnn_basics.figures import new_figure

X = torch.tensor([-1.0, 0.0, 2.0])


def legend_texts(figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_lines_hold_their_data_from_1_on():
    figure = plots.plot_lines({"a": X, "b": -X}, "Two lines that cross.", x_label="layer")
    (axes,) = figure.axes
    first, second = (line.get_xydata().tolist() for line in axes.get_lines())
    assert (first, second) == ([[1, -1], [2, 0], [3, 2]], [[1, 1], [2, 0], [3, -2]])
    assert all(float(tick).is_integer() for tick in axes.get_xticks())
    assert (axes.get_xlabel(), figure.alt) == ("layer", "Two lines that cross.")
    assert legend_texts(figure) == ["a", "b"]


def test_lines_take_places_scale_and_gradients():
    y = torch.logspace(0, 2, 300, requires_grad=True)
    x = torch.linspace(0, 0.5, 300)
    (axes,) = plots.plot_lines({"a": y}, "A line.", x=x, y_label="size", log=True).axes
    (line,) = axes.get_lines()
    assert line.get_xdata() == pytest.approx(x)
    assert line.get_markevery() == 15
    assert (axes.get_yscale(), axes.get_ylabel()) == ("log", "size")
    assert axes.figure.legends == []
    assert not all(float(tick).is_integer() for tick in axes.get_xticks())


@pytest.mark.parametrize(
    ("highest", "marks"),
    [(5.0, ["0.2", "0.5", "1", "2", "5"]), (1000.0, ["1", "10", "100", "1000"])],
)
def test_a_short_axis_of_powers_is_marked_between_them(highest, marks):
    y = torch.tensor([0.2, highest])
    (axes,) = plots.plot_lines({"a": y}, "A rising line.", log=True).axes
    low, high = axes.get_ylim()
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    assert [f"{tick:g}" for tick in ticks] == marks
    if highest < 10:
        assert axes.yaxis.get_major_formatter().format_ticks(ticks) == marks


def test_lines_differ_by_more_than_colour():
    curves = {f"curve {i}": X * i for i in range(7)}
    lines = plots.plot_lines(curves, "Seven lines that fan out.").axes[0].get_lines()
    looks = [
        (line.get_marker(), str(line._unscaled_dash_pattern), to_hex(line.get_color()))
        for line in lines
    ]
    assert [len(set(each)) for each in zip(*looks, strict=True)] == [7, 7, 7]


def test_bars_stand_in_order_with_their_numbers():
    figure = plots.plot_bars({"small": 0.25, "large": 1234.5}, "Two bars.", x_label="cost")
    (axes,), numbers = figure.axes, ["0.25", "1,234.50"]
    names = [text.get_text() for text in (*axes.get_yticklabels(), *axes.texts)]
    assert [bar.get_width() for bar in axes.patches] == [0.25, 1234.5]
    assert (names, axes.get_xlabel()) == (["small", "large", *numbers], "cost")
    assert axes.yaxis_inverted()
    assert len({bar.get_hatch() for bar in axes.patches}) == 2


def test_bars_of_several_ratios_show_each_and_end_at_the_median():
    ratios = {"slow": [100.0, 900.0, 200.0], "quick": [0.5]}
    (axes,) = plots.plot_bars(ratios, "Two rows.", digits=1, log=True, bound=3.0).axes
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    assert ends == [(1, 200), (1, 0.5)]
    dots, bound, one = (line.get_xdata() for line in axes.lines)
    assert (list(dots), bound[0], one[0]) == ([100, 900, 200], 3, 1)
    written = [("200.0", (900, 0)), ("0.5", (1, 1)), ("3", (3, 1))]
    assert [(text.get_text(), text.xy) for text in axes.texts] == written
    assert axes.get_xscale() == "log"


def history(train_loss, train_accuracy, valid_loss=(), valid_accuracy=()):
    return SimpleNamespace(**locals())


TRAINED = history([0.7, 0.4, 0.1], [0.5, 0.8, 0.99], [0.75, 0.5, 0.9], [0.45, 0.75, 0.7])
ALONE = history([2.0, math.inf, math.nan], [0.3, 0.2, 0.2])


def test_learning_curves_hold_the_history_told_apart_by_more_than_colour():
    figure = plots.plot_learning_curves({"": TRAINED}, "Loss and accuracy.", classes=4)
    guesses = {"loss": math.log(4), "accuracy": 0.25}
    for axes, (name, guess) in zip(figure.axes, guesses.items(), strict=True):
        train, valid, level = axes.get_lines()
        assert axes.get_title(loc="left") == name
        assert train.get_xydata().T.tolist() == [[1, 2, 3], getattr(TRAINED, f"train_{name}")]
        assert valid.get_xydata().T.tolist() == [[1, 2, 3], getattr(TRAINED, f"valid_{name}")]
        assert set(level.get_ydata()) == {guess}
        assert train.get_linestyle() != valid.get_linestyle()
        assert train.get_marker() != valid.get_marker()
    assert legend_texts(figure) == ["training", "validation", "guessing"]
    assert len(figure.to_png()) < 30_000


def test_several_trainings_share_axes_and_have_their_names():
    figure = plots.plot_learning_curves({"plain": TRAINED, "alone": ALONE}, "Two trainings.")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["plain: loss", "plain: accuracy", "alone: loss", "alone: accuracy"]
    (low, high), (lowest, highest) = (axes.get_ylim() for axes in figure.axes[:2])
    assert [axes.get_ylim() for axes in figure.axes[2:]] == [(low, high), (lowest, highest)]
    assert (low, highest) == (0, 1.02)
    assert 2 < high < 3  # what is not finite is a gap
    assert 0.1 < lowest < 0.2
    assert [line.get_label() for line in figure.axes[2].get_lines()] == ["training", "guessing"]


def test_a_surface_is_low_where_it_is_given_low_and_levels_lie_closer_there():
    _, (axes,) = new_figure()
    x, y = np.meshgrid(np.linspace(-2, 2, 41), np.linspace(-1, 3, 31))
    plots.draw_surface(axes, x**2 + (y - 2) ** 2, ((-2, 2), (-1, 3)))
    filled, _lines = axes.collections
    assert (filled.levels[0], filled.levels[-1]) == pytest.approx((0, 13), abs=0.02)
    assert (np.diff(filled.levels, n=2) > 0).all()
    lowest = filled.get_paths()[0].get_extents()
    assert ((lowest.x0 + lowest.x1) / 2, (lowest.y0 + lowest.y1) / 2) == pytest.approx((0, 2))


@pytest.mark.parametrize("count", [3, 1])
def test_a_path_leads_from_a_square_to_a_ball(count):
    _, (axes,) = new_figure()
    points = np.array([[-1.0, 0.0], [0.5, 1.0], [0.0, 2.0]])[:count]
    plots.draw_path(axes, points)
    drawn = [line.get_xydata().tolist() for line in axes.lines]
    wanted = [points, points, points[1:], points[:1], points[-1:]]
    assert drawn == [each.tolist() for each in wanted]
    assert [line.get_marker() for line in axes.lines[3:]] == ["s", "o"]


ALT = "What the figure shows, in words."
MAPS = torch.linspace(-1, 3, 5 * 4 * 6).view(5, 4, 6)
FIVE = list("abcde")


def looks(figure):
    """Scale and colours of every picture."""
    shown = [axes.images[0] for axes in figure.axes if axes.images]
    return [(image.get_clim(), image.cmap.name) for image in shown]


def test_pictures_are_shown_as_they_are():
    colour = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    grey = np.array([[0.0, 0.5], [1.0, 0.25]])
    three = [colour, grey.tolist(), torch.tensor(colour[..., 0])]
    figure = plots.plot_pictures(three, FIVE[:3], "Three.", columns=2)
    shown = [axes.images[0].get_array() for axes in figure.axes[:3]]
    assert all(map(np.array_equal, shown, [colour, grey, colour[..., 0]]))
    assert looks(figure)[1:] == [((0, 1), "gray"), ((0, 255), "gray")]
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", ""]
    assert [axes.axison for axes in figure.axes] == [True, True, True, False]


@pytest.mark.parametrize(
    ("maps", "options", "scales", "colours"),
    [
        (MAPS, {}, [(-1, 3)] * 5, "viridis"),
        (MAPS, {"shared": False}, [(m.min(), m.max()) for m in MAPS.numpy()], "viridis"),
        (MAPS, {"diverging": True}, [(-3, 3)] * 5, "RdBu_r"),
        (0 * MAPS, {"diverging": True}, [(-1, 1)] * 5, "RdBu_r"),
    ],
)
def test_feature_maps_share_one_scale_unless_told_otherwise(maps, options, scales, colours):
    figure = plots.plot_feature_maps(maps.requires_grad_(), FIVE, "Five maps.", **options)
    assert looks(figure) == [(scale, colours) for scale in scales]
    assert np.array_equal(figure.axes[3].images[0].get_array(), maps[3].detach())
    assert [axes.get_label() for axes in figure.axes].count("<colorbar>") == len(set(scales))


def test_histograms_count_all_numbers_on_one_scale():
    samples = {"low": torch.tensor([[0.0, 0.1], [0.2, 0.3]]), "high": torch.tensor([9.0, 10.0])}
    samples["one"] = torch.ones(1)
    figure = plots.plot_histograms(samples, "Three samples.", bins=10)
    low, high, _, empty = figure.axes
    assert sum(bar.get_height() for bar in low.patches) == 4
    assert [bar.get_height() for bar in high.patches] == [0] * 9 + [2]
    assert low.get_xlim() == high.get_xlim() == (0.0, 10.0)
    assert high.get_title() == "high\nmean 9.5, standard deviation 0.5"
    assert low.get_lines()[0].get_xdata() == pytest.approx([0.15, 0.15])
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "value", "value", ""]
    assert not empty.axison
    (axes,) = plots.plot_histograms({"ones": [1, 1, 1]}, "Three ones in one bar.").axes
    assert (axes.get_xlim(), axes.get_title()) == ((1.0, 2.0), "ones\nmean 1, standard deviation 0")


def test_heat_lies_over_the_grey_picture():
    pictures = torch.randint(0, 256, (2, 3, 6, 5), dtype=torch.uint8)
    heats = {"saliency": torch.rand(2, 6, 5), "occlusion": torch.randn(2, 6, 5)}
    table = plots.plot_heat(pictures, heats, ["cat", "dog"], ALT).axes
    assert [axes.get_title() for axes in table] == ["cat", "dog", "", "", "", ""]
    assert [axes.get_ylabel() for axes in table] == ["", "", "saliency", "", "occlusion", ""]
    colours = pictures.permute(0, 2, 3, 1).numpy() / 255
    for index, axes in enumerate(table):
        row, column = divmod(index, 2)
        wanted = colours[column].mean(axis=-1) if row else colours[column]
        np.testing.assert_allclose(axes.images[0].get_array(), wanted, atol=1e-6)
        if row == 0:
            continue
        heat = list(heats.values())[row - 1][column]
        np.testing.assert_allclose(axes.images[1].get_array(), heat)
        high = heat.abs().max().item()
        limits = pytest.approx((0, high) if row == 1 else (-high, high))
        assert axes.images[1].get_clim() == limits
        assert axes.images[1].cmap.name == ("viridis" if row == 1 else "RdBu_r")


def contours(axes):
    """The heights of the contour lines of one heat-map, by their style."""
    sets = [found for found in axes.collections if hasattr(found, "levels")]
    return {str(found.linestyles): found.levels.tolist() for found in sets}


def test_contour_lines_tell_the_heights_without_colour():
    heat = torch.zeros(2, 5, 5)
    heat[0, 1, 1], heat[0, 3, 3] = 2.0, -1.5
    masks = heat > 1
    table = plots.plot_heat(torch.rand(2, 1, 5, 5), {"h": heat}, ["cat", "dog"], ALT).axes
    lines = [contours(axes) for axes in table]
    assert lines == [{}, {}, {"solid": [1.0, 1.6], "dashed": [1.0]}, {}]
    table = plots.plot_heat(torch.rand(2, 1, 5, 5), {}, ["cat", "dog"], ALT, masks=masks).axes
    outlined, empty = (contours(axes) for axes in table)
    assert (outlined["dotted"], empty) == ([0.5], {})


def heat(pictures, heats=(2, 6, 5), titles=2):
    maps = {"heat": torch.zeros(heats)}
    return lambda: plots.plot_heat(torch.zeros(pictures), maps, ["x"] * titles, ALT)


test_what_cannot_be_told_apart_or_drawn_is_refused = refusing(
    (lambda: plots.plot_lines({}, ""), "1 to 7 things to draw, got 0"),
    (lambda: plots.plot_lines(dict.fromkeys("abcdefgh", X), ""), "1 to 7 things to draw, got 8"),
    (lambda: plots.plot_bars(dict.fromkeys(range(17), 1.0), ""), "1 to 16 things to draw, got 17"),
    (lambda: plots.plot_histograms({}, ""), "1 to 16 things to draw, got 0"),
    (lambda: plots.plot_learning_curves(dict.fromkeys("abcde", TRAINED), ""), "1 to 4 things"),
    (lambda: plots.plot_learning_curves({"": history([], [])}, ""), "at least one epoch in each"),
    (lambda: plots.plot_pictures([], [], ALT), "one title for each of at least one picture, got 0"),
    (lambda: plots.plot_pictures([np.eye(2)], ["a", "b"], ALT), "one title for .*, got 2 for 1"),
    (lambda: plots.plot_feature_maps(MAPS[None], [], ALT), r"\(C, H, W\), got \(1, 5"),
    (heat((3, 6, 5)), r"expected 1 to 8 pictures .*, got \(3, 6, 5\)"),
    (heat((9, 3, 6, 5)), r"expected 1 to 8 pictures .*, got \(9, "),
    (heat((2, 2, 6, 5)), r"expected 1 to 8 pictures .*, got \(2, 2"),
    (heat((2, 3, 6, 5), titles=1), "a title for each of 2 pictures, got 1"),
    (heat((2, 3, 6, 5), (2, 3, 3)), r"heat of shape \(2, 6, 5\), got \(2, 3, 3\): write explain"),
)


SHAPES = [(3, 28, 28), (32, 28, 28), (64, 7, 7), (3136,), (10,), (2,)]


def test_blocks_are_stacks_and_columns_in_a_row_with_their_shapes_and_contents():
    titles, words = ["picture", "conv", "pool", "flatten", "ten", "two"], "A network."
    picture, maps = torch.rand(3, 28, 28), torch.rand(32, 28, 28, requires_grad=True)
    (axes,) = plots.plot_blocks(titles, SHAPES, words, contents={0: picture, 1: maps}).axes
    first, *others = (image.get_array() for image in axes.images)
    assert np.array_equal(first, picture.permute(1, 2, 0))
    assert np.array_equal(others, maps[:4].detach())
    depth = [image.get_zorder() for image in axes.images[1:]]
    assert depth == sorted(depth, reverse=True)  # the first in front
    ends = np.cumsum([0, 1, 4, 4, 10, 10, 2])
    blocks = [axes.patches[a:b] for a, b in pairwise(ends)]
    assert len(axes.patches) == ends[-1]
    assert blocks[2][0].get_width() == pytest.approx(blocks[1][0].get_width() / 2)  # √(7 / 28)
    edges = [(b[0].get_x(), b[-1].get_x() + b[-1].get_width()) for b in blocks]
    shapes = ["3×28×28", "32×28×28", "64×7×7", "3136", "10", "2"]
    for height, texts in (("bottom", titles), ("top", shapes)):
        written = [t for t in axes.texts if t.get_va() == height and t.get_text()]
        assert [t.get_text() for t in written] == texts
        assert [t.get_position()[0] for t in written] == pytest.approx(np.mean(edges, axis=1))
    (dots,) = [t.get_position()[0] for t in axes.texts if t.get_text() == "⋮"]
    assert dots == pytest.approx(np.mean(edges[3]))
    arrows = [x for t in axes.texts if hasattr(t, "arrow_patch") for x in (t.xyann[0], t.xy[0])]
    places = [edges[0][0], edges[0][1], *arrows[:2], edges[1][0]]
    assert (places, len(arrows)) == (sorted(places), 10)
    empty = plots.plot_blocks(titles, SHAPES, words).axes[0]
    assert (len(empty.images), len(empty.patches)) == (0, 3 + ends[-1] - 1)
    with pytest.raises(ValueError, match="one title for each of at least one shape, got 1 titles"):
        plots.plot_blocks(["a"], SHAPES, words)
