"""The widgets that the kernel draws, in a real page: each control by keys or mouse, and its answer.

That every control of every lesson answers to both is test_lessons.py's; here is what it answers.
"""

from __future__ import annotations

import pytest
from driving import PICTURE, choose, click_at, press, press_on, shown_picture, wait_for

CELLS = ("import numpy as np\nfrom cnn_basics import widgets",)
# Every pixel is (200, 100, 50), so that the means in the alt text are its three numbers.
MIXER = "widgets.channel_mixer(np.full((20, 30, 3), [200, 100, 50], dtype=np.uint8))"


@pytest.fixture(scope="module")
def show(open_notebook):
    """Open a widget in a page of its own, once for all tests."""
    opened = {}

    def show_it(cell: str, start: str):
        if cell not in opened:
            opened[cell] = open_notebook(*CELLS, cell)
        wait_for(opened[cell], start)
        return opened[cell]

    return show_it


@pytest.fixture
def playground(show):
    start = "ReLU at 1 is 1, slope 1; numbers with mean 0, spread 1 come out with"
    yield show("widgets.activation_playground()", start)
    show("widgets.activation_playground()", start)


@pytest.fixture
def mixer(show):
    start = "red 200, green 100, blue 50. No value was cut."
    yield show(MIXER, start)
    show(MIXER, start)


@pytest.fixture
def pooling(show):
    start = "Max pooling, kernel_size 2, stride 2, padding 0: 6×6 in, 3×3 out [6, 8, 2; 3, 4, 3; "
    yield show("widgets.pooling_explorer()", start)
    show("widgets.pooling_explorer()", start)


@pytest.fixture
def roofline(show):
    start = (
        "of 150 billion operations and 10 GB per second. A 5×5 convolution of 64×32×14×14 to 64 "
        "channels needs 642,252,800 multiply-adds and 255.8 operations for each byte"
    )
    yield show("widgets.roofline_explorer()", start)
    show("widgets.roofline_explorer()", start)


def test_the_point_of_the_playground_moves(playground):
    before = shown_picture(playground)
    press(playground, "input of the point", "ArrowLeft")
    wait_for(playground, "ReLU at 0.9 is 0.9, slope 1;")
    assert shown_picture(playground) != before
    press(playground, "input of the point", "Home")
    wait_for(playground, "ReLU at −6 is 0, slope 0;")
    click_at(playground, "input of the point", 0.995)
    wait_for(playground, "ReLU at 6 is 6, slope 1;")
    press(playground, "input of the point", *["PageDown"] * 2, "Home", *["ArrowRight"] * 70)


def test_the_numbers_move_until_the_unit_is_dead(playground):
    press(playground, "numbers: spread", "Home")
    wait_for(playground, "numbers with mean 0, spread 0.1 come out")
    click_at(playground, "numbers: mean", 0.005)
    wait_for(playground, "Dead: all outputs are 0, and no gradient passes.")
    press(playground, "numbers: mean", "End")
    click_at(playground, "numbers: spread", 0.995)
    wait_for(playground, "mean 4, spread 3 come out")
    press(playground, "numbers: mean", "Home", *["ArrowRight"] * 40)
    press(playground, "numbers: spread", "Home", *["ArrowRight"] * 9)


def test_every_activation(playground):
    for name in ("leaky ReLU", "ELU", "GELU", "SiLU", "sigmoid", "tanh", "none"):
        press_on(playground, "activation", "ArrowDown")
        wait_for(playground, f"{name} at 1 is")
    choose(playground, "activation", "tanh")
    wait_for(playground, "tanh at 1 is 0.76, slope 0.42;")
    choose(playground, "activation", "ReLU")


def test_batch_norm_with_its_controls(playground):
    gamma = playground.get_by_role("slider", name="γ")
    assert not gamma.is_visible()
    press(playground, "numbers: mean", "End")
    playground.get_by_label("batch norm").click()
    wait_for(playground, "with mean 4, spread 1 are normalised to mean 0, spread 1 and come out")
    assert gamma.is_visible()
    press(playground, "γ", "End")
    press(playground, "β", "Home")
    wait_for(playground, "are normalised to mean −3, spread 2 and")
    press_on(playground, "mode", "ArrowDown")
    wait_for(playground, "are normalised to mean 5, spread 2 and")
    wait_for(playground, "Evaluation: normalised with the running mean 0 and variance 1")
    click_at(playground, "γ", 0.005)
    click_at(playground, "β", 0.995)
    wait_for(playground, "are normalised to mean 3, spread 0 and")
    choose(playground, "mode", "training")
    press_on(playground, "batch norm", "Space")
    wait_for(playground, "with mean 4, spread 1 come out")
    press(playground, "numbers: mean", "Home", *["ArrowRight"] * 40)


@pytest.mark.parametrize("name", ["red", "green", "blue"])
def test_a_channel_is_stronger_weaker_and_dropped(mixer, name):
    before, slider = shown_picture(mixer), f"{name} ×"
    press(mixer, slider, *["ArrowRight"] * 3)
    wait_for(mixer, f"{name} = 1.3 × {name}")
    assert shown_picture(mixer) != before
    press(mixer, slider, "Home")
    wait_for(mixer, f"{name} 0")
    press(mixer, slider, "End")
    wait_for(mixer, f"{name} = 2 × {name}")
    click_at(mixer, slider, 0.5)
    wait_for(mixer, "red 200, green 100, blue 50. No value was cut.")
    mixer.get_by_label(f"drop {name}").click()
    wait_for(mixer, f"{name} 0")
    mixer.keyboard.press("Space")


def test_orders_greys_and_what_is_cut(mixer):
    for order, means in [("RBG", "200 50 100"), ("GRB", "100 200 50"), ("GBR", "100 50 200"),
                         ("BRG", "50 200 100"), ("BGR", "50 100 200")]:  # fmt: skip
        press_on(mixer, "order", "ArrowDown")
        wait_for(mixer, "red {}, green {}, blue {}. No value was cut.".format(*means.split()))
        assert mixer.get_by_label("order").evaluate("e => e.selectedOptions[0].text") == order
    press_on(mixer, "order", "Home")
    click_at(mixer, "red ×", 0.99)
    wait_for(mixer, "red 255, green 100, blue 50. 33 % of the values were cut at 255.")
    click_at(mixer, "red ×", 0.5)
    choose(mixer, "grey", "BT.601")
    wait_for(mixer, "mean values: grey 124.")
    press_on(mixer, "grey", "ArrowUp")
    wait_for(mixer, "mean values: grey 117.")
    press_on(mixer, "grey", "End")
    click_at(mixer, "red ×", 0.99)
    wait_for(mixer, "mean values: grey 138.")
    click_at(mixer, "red ×", 0.5)
    choose(mixer, "grey", "off")


def test_a_map_moves_by_one_pixel(pooling):
    before = shown_picture(pooling)
    press(pooling, "move right", "ArrowRight")
    wait_for(pooling, "moved 1 right it gives [5, 7, 8; 3, 3, 4; 2, 1, 9]: 6 of 9 outputs (67 %)")
    assert shown_picture(pooling) != before
    press(pooling, "move right", "Home")
    press(pooling, "move down", "End")
    wait_for(pooling, "moved 2 left, 2 down")
    click_at(pooling, "move down", 0.01)
    click_at(pooling, "move right", 0.99)
    wait_for(pooling, "moved 2 right, 2 up")
    click_at(pooling, "move right", 0.5)
    click_at(pooling, "move down", 0.5)
    wait_for(pooling, "Nothing moved yet")


def test_kernel_stride_and_too_much_padding(pooling):
    press(pooling, "kernel_size", "ArrowRight")
    wait_for(pooling, "kernel_size 3, stride 2, padding 0: 6×6 in, 2×2 out [7, 8; 3, 9]")
    click_at(pooling, "stride", 0.99)
    wait_for(pooling, "kernel_size 3, stride 4, padding 0: 6×6 in, 1×1 out [7]")
    pooling.get_by_label("ceil_mode").click()
    wait_for(pooling, "padding 0, ceil_mode: 6×6 in, 2×2 out [7, 3; 2, 9]")
    pooling.keyboard.press("Space")
    press(pooling, "stride", "Home", "ArrowRight")
    press(pooling, "kernel_size", "Home", "ArrowRight")
    press(pooling, "padding", "End")
    alert = pooling.locator(".cnn-basics-picture [role=alert]")
    alert.wait_for()
    assert "at most half the kernel (1 for kernel_size 2), got 2" in alert.inner_text()
    press(pooling, "padding", "ArrowLeft")
    wait_for(pooling, "padding 1: 6×6 in, 4×4 out [1, 2, 4, 1;")
    click_at(pooling, "padding", 0.01)


def test_kinds_hide_what_has_no_effect(pooling):
    assert not pooling.get_by_label("count_include_pad").is_visible()
    press_on(pooling, "kind", "ArrowDown")
    wait_for(pooling, "Average pooling, kernel_size 2, stride 2, padding 0: 6×6 in, 3×3 out [3.25")
    press(pooling, "padding", "ArrowRight")
    wait_for(pooling, "padding counted: 6×6 in, 4×4 out [0.25,")
    pooling.get_by_label("count_include_pad").click()
    wait_for(pooling, "padding not counted: 6×6 in, 4×4 out [1,")
    pooling.keyboard.press("Space")
    press(pooling, "padding", "Home")
    press_on(pooling, "kind", "End")
    wait_for(pooling, "Every s-th number kept, stride 2: 6×6 in, 3×3 out [1, 2, 0; 3, 1, 0; 0, 0, ")
    assert not pooling.get_by_role("slider", name="kernel_size").is_visible()
    choose(pooling, "kind", "max")


@pytest.mark.parametrize(
    ("name", "more", "least", "most", "steps"),
    [
        ("kernel_size", "A 7×7 convolution", "A 1×1 convolution", "A 11×11 convolution", 2),
        ("height and width", "64×32×21×21", "64×32×7×7", "64×32×56×56", 1),
        ("peak", "of 200 billion operations", "of 50 billion", "of 1000 billion", 2),
        ("bandwidth", "and 15 GB per second", "and 5 GB per second", "and 100 GB per second", 1),
    ],
)
def test_layer_and_machine_slide(roofline, name, more, least, most, steps):
    before = shown_picture(roofline)
    press(roofline, name, "ArrowRight")
    wait_for(roofline, more)
    assert shown_picture(roofline) != before
    click_at(roofline, name, 0.995)
    wait_for(roofline, most)
    press(roofline, name, "Home")
    wait_for(roofline, least)
    press(roofline, name, *["ArrowRight"] * steps)


@pytest.mark.parametrize(
    ("label", "other", "key", "words", "first"),
    [
        ("in_channels", "256", "ArrowUp", "64×256×14×14 to 64 channels", "32"),
        ("out_channels", "1", "ArrowDown", "64×32×14×14 to 1 channels", "64"),
        ("batch", "1", "ArrowDown", "of 1×32×14×14", "64"),
    ],
)
def test_channels_and_batch_are_chosen(roofline, label, other, key, words, first):
    choose(roofline, label, other)
    wait_for(roofline, words)
    press_on(roofline, label, key)
    roofline.wait_for_selector(f'{PICTURE}:not([alt*="{words}"])')
    choose(roofline, label, first)


def test_a_depthwise_layer_waits_for_memory(roofline):
    roofline.get_by_label("depthwise").click()
    wait_for(roofline, "to 32 channels needs 10,035,200 multiply-adds")
    wait_for(roofline, "It waits for memory.")
    roofline.get_by_label("out_channels", exact=True).wait_for(state="hidden")
    roofline.keyboard.press("Space")
    roofline.get_by_label("out_channels", exact=True).wait_for(state="visible")
