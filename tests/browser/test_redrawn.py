"""Widgets that the kernel draws, in a real page: what each control does to the picture's words.

That every control answers to keys and mouse is test_lessons.py's, and what belongs to each of its
values is proved without a browser; here each kind of widget is moved by a few, and hides some.
"""

from __future__ import annotations

import pytest
from driving import (
    ask,
    choose,
    click_at,
    command,
    control,
    press,
    run_in_kernel,
    shown_picture,
    wait_for,
)
from playwright.sync_api import expect

CELLS = (
    """
import ipywidgets, numpy as np, torch
from cnn_basics import widgets
from cnn_basics.figures import new_figure
from cnn_basics.model import Custom_CNN

figure, axes = new_figure(width=4, height=2, alt="A line.")
line, = axes[0].plot([0, 1, 2], [0, 0, 0])
axes[0].set_ylim(0, 10)

def draw(height, old):
    if height == 7:
        raise ValueError("expected any number but 7, got 7: move on")
    line.set_ydata([0, height, height])
    figure.alt = f"A line that rises to {height}, {old}."
    return figure
""",
    """
sliders = {"height": widgets.Slider("height", 3, min=0, max=10),
           "old": ipywidgets.IntSlider(description="old", max=5)}
shown = widgets.RedrawnFigure(sliders, draw)
shown
""",
    "widgets.activation_playground()",
    "widgets.channel_mixer(np.full((20, 30, 3), [200, 100, 50], dtype=np.uint8))",
    "widgets.pooling_explorer()",
    "widgets.roofline_explorer()",
    "widgets.feature_map_browser(Custom_CNN(), torch.rand(2, 3, 28, 28), ['cat', 'dog'])",
)
LINE, PLAYGROUND, MIXER, POOLING, ROOFLINE, MAPS = range(1, 7)
# For each widget its first words, then what is done to a control and which words must come.
STORIES = {
    LINE: [
        ("rises to 3, 0.",),
        (press, "height", "ArrowRight", "rises to 4, 0."),
        (press, "old", "ArrowRight", "rises to 4, 1."),
        (click_at, "height", 0.01, "rises to 0, 1."),
    ],
    PLAYGROUND: [
        ("ReLU at 1 is 1, slope 1; numbers with mean 0, spread 1 come out with",),
        (press, "input of the point", "Home", "ReLU at −6 is 0, slope 0;"),
        (click_at, "input of the point", 0.995, "ReLU at 6 is 6, slope 1;"),
        (press, "numbers: spread", "Home", "numbers with mean 0, spread 0.1 come out"),
        (click_at, "numbers: mean", 0.005, "Dead: all outputs are 0, and no gradient passes."),
        (press, "activation", "ArrowDown", "leaky ReLU at 6 is 6"),
        (choose, "activation", "tanh", "tanh at 6 is 1"),
    ],
    MIXER: [
        ("red 200, green 100, blue 50. No value was cut.",),
        (press, "order", "End", "red 50, green 100, blue 200. No value was cut."),
        (press, "order", "Home", "red 200, green 100, blue 50. No value was cut."),
        (press, "green ×", "Home", "red 200, green 0, blue 50."),
        (click_at, "red ×", 0.99, "33 % of the values were cut at 255."),
        (press, "drop red", "Space", "red 0, green 0, blue 50."),
        (choose, "grey", "BT.601", "mean values: grey"),
    ],
    POOLING: [
        ("Max pooling, kernel_size 2, stride 2, padding 0: 6×6 in, 3×3 out [6, 8, 2; 3, 4, 3; ",),
        (press, "move right", "ArrowRight", "moved 1 right it gives [5, 7, 8; 3, 3, 4; 2, 1, 9]"),
        (click_at, "move right", 0.5, "Nothing moved yet"),
        (press, "kernel_size", "ArrowRight", "kernel_size 3, stride 2, padding 0: 6×6 in, 2×2 out"),
        (press, "ceil_mode", "Space", "padding 0, ceil_mode: 6×6 in, 3×3 out"),
    ],
    ROOFLINE: [
        ("A 5×5 convolution of 64×32×14×14 to 64 channels needs 642,252,800 multiply-adds",),
        (press, "kernel_size", "Home", "A 1×1 convolution"),
        (click_at, "bandwidth (GB/s)", 0.995, "and 100 GB per second"),
        (choose, "in_channels", "256", "64×256×14×14 to 64 channels"),
        (press, "batch", "Home", "1×256×14×14"),
    ],
    MAPS: [
        ("conv1, channel 0 of 32:",),
        (press, "channel", "End", "conv1, channel 31 of 32:"),
        (press, "picture", "ArrowDown", "Picture 2: dog and its feature maps."),
        (click_at, "channel", 0.01, "conv1, channel 0 of 32:"),
        (press, "step", *["ArrowDown"] * 3, "conv2, channel 0 of 64:"),
        (press, "channel", "End", "conv2, channel 63 of 64:"),  # the slider has grown with the step
    ],
}


@pytest.fixture
def widget(request, page):
    """One widget of the page as it is at first, on the screen."""
    ask(page, "show", request.param)
    command(page, "notebook:run-cell")
    ask(page, "show", request.param)
    return page.locator(f'[data-test-root="{request.param}"]')


@pytest.mark.parametrize(("widget", "story"), STORIES.items(), indirect=["widget"])
def test_the_picture_follows_its_controls(widget, story):
    (first,), *steps = story
    wait_for(widget, first)
    before = shown_picture(widget)
    for move, *arguments, words in steps:
        move(widget, *arguments)
        wait_for(widget, words)
    assert shown_picture(widget) != before


@pytest.mark.parametrize("widget", [LINE], indirect=True)
def test_what_cannot_be_drawn_is_said_and_python_moves_the_slider(page, widget):
    press(widget, "height", *["ArrowRight"] * 4)
    alert = widget.locator(".cnn-basics-picture [role=alert]")
    alert.wait_for()
    assert "expected any number but 7, got 7: move on" in alert.inner_text()
    press(widget, "height", "ArrowRight")
    wait_for(widget, "rises to 8")
    assert not alert.count()
    run_in_kernel(page, "sliders['height'].value = 2")
    wait_for(widget, "rises to 2")
    expect(control(widget, "height")).to_have_value("2")


@pytest.mark.parametrize(
    ("widget", "label", "switch", "key"),
    [
        (PLAYGROUND, "γ (scale)", "batch norm", "Space"),
        (POOLING, "count_include_pad", "kind", "ArrowDown"),
        (ROOFLINE, "out_channels", "depthwise (groups=in_channels)", "Space"),
    ],
    indirect=["widget"],
)
def test_what_has_no_effect_is_hidden(widget, label, switch, key):
    seen = control(widget, label).is_visible()
    press(widget, switch, key)
    control(widget, label).wait_for(state="hidden" if seen else "visible")
