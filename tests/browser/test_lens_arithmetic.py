"""The lens's own arithmetic, in the browser, equals torch.nn.functional on random settings."""

from __future__ import annotations

import random

import pytest
import torch
import torch.nn.functional as F
from driving import watch

from cnn_basics.widgets.parts import read_static

SETTINGS = 400  # of each kind, of which some are refused

LOAD = """async (source) => {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    window.lens = await import(address);
    return Object.keys(window.lens);
}"""
COMPUTE = """(cases) => cases.map(({ name, x, weight, options }) => {
    try {
        return window.lens[name](x, weight, options);
    } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return error.message;
    }
})"""


@pytest.fixture(scope="module")
def page(browser, faults):
    opened = browser.new_page()
    watch(opened, faults)
    names = opened.evaluate(LOAD, read_static("parts.js", "lens.js"))
    assert {"convolve", "convolveTransposed", "outputSize", "windowOf", "fedBy"} <= set(names)
    yield opened
    opened.close()


def some(dice: random.Random, low: int, high: int) -> int | list[int]:
    """One number for both directions, or, as often, a pair."""
    one, two = dice.randint(low, high), dice.randint(low, high)
    return one if dice.random() < 0.5 else [one, two]


def random_case(dice: random.Random, transposed: bool) -> dict:
    groups = dice.choice([1, 1, 2, 3])
    channels = groups * dice.randint(1, 3 // groups)
    maps = groups * dice.randint(1, 2)
    if dice.random() < 0.1:
        channels += 1  # refused, where groups does not divide it
    height, width = dice.randint(1, 9), dice.randint(1, 9)
    kernel = (dice.randint(1, 5), dice.randint(1, 5))
    first, second = (channels, maps // groups) if transposed else (maps, max(channels // groups, 1))
    options = {
        "stride": some(dice, 1, 3),
        "padding": some(dice, 0, 3),
        "dilation": some(dice, 1, 3),
        "groups": groups,
        "bias": torch.randn(maps, dtype=torch.float64).tolist(),
    }
    return {
        "name": "convolveTransposed" if transposed else "convolve",
        "x": torch.randn(channels, height, width, dtype=torch.float64).tolist(),
        "weight": torch.randn(first, second, *kernel, dtype=torch.float64).tolist(),
        "options": options,
    }


def reference(case: dict) -> torch.Tensor | None:
    """What PyTorch says, or None where it refuses."""
    x = torch.tensor(case["x"], dtype=torch.float64)[None]
    weight = torch.tensor(case["weight"], dtype=torch.float64)
    options = dict(case["options"], bias=torch.tensor(case["options"]["bias"], dtype=torch.float64))
    call = F.conv_transpose2d if case["name"] == "convolveTransposed" else F.conv2d
    try:
        return call(x, weight, **options)[0]
    except RuntimeError:
        return None


@pytest.mark.parametrize("transposed", [False, True])
def test_random_settings_equal_pytorch(page, faults, transposed):
    dice = random.Random(7)
    torch.manual_seed(7)
    cases = [random_case(dice, transposed) for _ in range(SETTINGS)]
    refused = 0
    for case, got in zip(cases, page.evaluate(COMPUTE, cases), strict=True):
        wanted = reference(case)
        if wanted is None:
            refused += 1
            assert isinstance(got, str), case
            assert got.startswith(("There is no output", "expected")), case
        else:
            numbers = torch.tensor(got, dtype=torch.float64)
            torch.testing.assert_close(numbers, wanted, rtol=0, atol=1e-9)
    assert refused >= 20
    assert SETTINGS - refused >= 200


def test_window_of_reads_what_changes_an_output(page, faults):
    """The gradient of one output says which inputs it reads, and with which weight."""
    dice = random.Random(3)
    for _ in range(40):
        kernel, size = dice.randint(1, 4), (dice.randint(6, 9), dice.randint(6, 9))
        options = {name: dice.randint(1, 2) for name in ("stride", "padding", "dilation")}
        x = torch.randn(1, 1, *size, dtype=torch.float64, requires_grad=True)
        weight = torch.arange(1.0, kernel**2 + 1).view(1, 1, kernel, kernel).double()
        y = F.conv2d(x, weight, **options)[0, 0]
        row, column = dice.randrange(y.shape[0]), dice.randrange(y.shape[1])
        (gradient,) = torch.autograd.grad(y[row, column], x)
        script = "([r, c, o]) => window.lens.windowOf(r, c, o)"
        read = page.evaluate(script, [row, column, options | {"kernel": [kernel, kernel]}])
        wanted = torch.zeros(size, dtype=torch.float64)
        for cell in read:
            if 0 <= cell["row"] < size[0] and 0 <= cell["column"] < size[1]:
                wanted[cell["row"], cell["column"]] += weight[0, 0, cell["i"], cell["j"]]
        assert torch.equal(gradient[0, 0], wanted)


def test_fed_by_is_the_other_way_round(page, faults):
    """The outputs that change with one input, and by how much."""
    dice = random.Random(4)
    for _ in range(40):
        kernel, size = dice.randint(1, 4), (dice.randint(6, 9), dice.randint(6, 9))
        options = {name: dice.randint(1, 3) for name in ("stride", "padding")} | {"dilation": 1}
        weight = torch.arange(1.0, kernel**2 + 1).view(1, 1, kernel, kernel).double()
        row, column = dice.randrange(size[0]), dice.randrange(size[1])
        x = torch.zeros(1, 1, *size, dtype=torch.float64)
        x[0, 0, row, column] = 1
        y = F.conv2d(x, weight, **options)[0, 0]
        script = "([r, c, o]) => window.lens.fedBy(r, c, o)"
        settings = options | {"kernel": [kernel, kernel], "size": list(y.shape)}
        fed = torch.zeros_like(y)
        for cell in page.evaluate(script, [row, column, settings]):
            fed[cell["row"], cell["column"]] += weight[0, 0, cell["i"], cell["j"]]
        assert torch.equal(fed, y)


def test_unseen_rows_are_those_without_a_gradient(page, faults):
    for size in range(4, 10):
        for kernel, stride, padding, dilation in [(3, 2, 0, 1), (1, 3, 1, 1), (2, 2, 1, 2)]:
            x = torch.ones(1, 1, size, 1, dtype=torch.float64, requires_grad=True)
            padded = F.pad(x, (0, 0, padding, padding))
            kernels = torch.ones(1, 1, kernel, 1, dtype=torch.float64)
            y = F.conv2d(padded, kernels, stride=(stride, 1), dilation=(dilation, 1))
            (gradient,) = torch.autograd.grad(y.sum(), padded)
            wanted = [n - padding for n in range(size + 2 * padding) if gradient[0, 0, n, 0] == 0]
            script = "(given) => window.lens.unseenAlong(...given)"
            assert page.evaluate(script, [size, kernel, stride, padding, dilation]) == wanted
