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
}"""
SOLVE = "(cases) => cases.map((c) => window.lens.solve(c)).map((s) => s.output ?? s.problem)"
LINKS = "([settings, place]) => window.lens.linksOf(window.lens.solve(settings), place)"


@pytest.fixture(scope="module")
def page(browser, faults):
    opened = browser.new_page()
    watch(opened, faults)
    opened.evaluate(LOAD, read_static("parts.js", "pointing.js", "lens.js"))
    yield opened
    opened.close()


def random_case(dice: random.Random, transposed: bool) -> dict:
    channels = dice.randint(1, 3)
    k, height, width = dice.randint(1, 5), dice.randint(1, 9), dice.randint(1, 9)
    return {
        "x": torch.randn(channels, height, width, dtype=torch.float64).tolist(),
        "kernel": torch.randn(channels, k, k, dtype=torch.float64).tolist(),
        "bias": dice.uniform(-2, 2),
        "stride": dice.randint(1, 3),
        "padding": dice.randint(0, 3),
        "dilation": dice.randint(1, 3),
        "groups": dice.choice([1, channels]),
        "transposed": transposed,
    }


def compute(case: dict, x: torch.Tensor) -> torch.Tensor | None:
    """What PyTorch says, `(groups, H', W')`, or None where it refuses."""
    kernel = torch.tensor(case["kernel"], dtype=torch.float64)
    groups, size = case["groups"], kernel.shape[-2:]
    weight = kernel[:, None] if case["transposed"] else kernel.view(groups, -1, *size)
    call = F.conv_transpose2d if case["transposed"] else F.conv2d
    bias = torch.full((groups,), case["bias"], dtype=torch.float64)
    options = {name: case[name] for name in ("stride", "padding", "dilation", "groups")}
    try:
        return call(x[None], weight, bias, **options)[0]
    except RuntimeError:
        return None


@pytest.mark.parametrize("transposed", [False, True])
def test_random_settings_equal_pytorch(page, faults, transposed):
    dice = random.Random(7)
    torch.manual_seed(7)
    cases = [random_case(dice, transposed) for _ in range(SETTINGS)]
    refused = 0
    for case, got in zip(cases, page.evaluate(SOLVE, cases), strict=True):
        wanted = compute(case, torch.tensor(case["x"], dtype=torch.float64))
        if wanted is None:
            refused += 1
            assert got.startswith("There is no output"), case
        else:
            numbers = torch.tensor(got, dtype=torch.float64)
            torch.testing.assert_close(numbers, wanted, rtol=0, atol=1e-9)
    assert 20 <= refused <= 200


@pytest.mark.parametrize("transposed", [False, True])
def test_links_are_what_the_gradient_says(page, faults, transposed):
    """Of one output: which inputs it reads, and with which weight; of one input: what it feeds."""
    dice = random.Random(3)
    torch.manual_seed(3)
    tried = 0
    while tried < 40:
        case = random_case(dice, transposed)
        x = torch.tensor(case["x"], dtype=torch.float64, requires_grad=True)
        y = compute(case, x)
        if y is None:
            continue
        tried += 1
        plane, row, column = (dice.randrange(size) for size in y.shape)
        (wanted,) = torch.autograd.grad(y[plane, row, column], x, retain_graph=True)
        place = {"where": "output", "plane": plane, "row": row, "column": column}
        read = torch.zeros_like(x)
        for link in page.evaluate(LINKS, [case, place]):
            at = (link["channel"], link["row"], link["column"])
            assert link["padding"] == (not link["inside"])
            assert link["pixel"] == (x[at].item() if link["inside"] else 0)
            if link["inside"]:
                read[at] += link["weight"]
        torch.testing.assert_close(read, wanted, rtol=0, atol=1e-12)
        channel, row, column = (dice.randrange(size) for size in x.shape)
        one = torch.zeros_like(x)
        one[channel, row, column] = 1
        wanted = compute(case | {"bias": 0}, one).sum(0)
        place = {"where": "input", "plane": channel, "row": row, "column": column}
        fed = torch.zeros_like(wanted)
        for link in page.evaluate(LINKS, [case, place]):
            assert link["pixel"] == x[channel, row, column].item()
            if link["inside"]:
                fed[link["row"], link["column"]] += link["weight"]
        torch.testing.assert_close(fed, wanted, rtol=0, atol=1e-12)


def test_unseen_rows_are_those_without_a_gradient(page, faults):
    script = "([size, settings]) => window.lens.unseenAlong(size, settings)"
    for size in range(4, 10):
        for k, stride, padding, dilation in [(3, 2, 0, 1), (1, 3, 1, 1), (2, 2, 1, 2)]:
            padded = torch.ones(1, 1, size + 2 * padding, dtype=torch.float64, requires_grad=True)
            kernel = torch.ones(1, 1, k, dtype=torch.float64)
            y = F.conv1d(padded, kernel, stride=stride, dilation=dilation)
            (gradient,) = torch.autograd.grad(y.sum(), padded)
            wanted = [n - padding for n in range(size + 2 * padding) if gradient[0, 0, n] == 0]
            settings = {"k": k, "stride": stride, "padding": padding, "dilation": dilation}
            assert page.evaluate(script, [size, settings]) == wanted
