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
UNSEEN = "([size, settings]) => window.lens.unseenAlong(size, settings)"


@pytest.fixture(scope="module")
def page(browser, faults):
    opened = browser.new_page()
    watch(opened, faults)
    opened.evaluate(LOAD, read_static("parts.js", "pointing.js", "lens.js"))
    yield opened
    opened.close()


def random_cases(seed: int, transposed: bool) -> list[tuple[dict, torch.Tensor, torch.Tensor]]:
    """Settings, the input, and what PyTorch says, `(groups, H', W')`, or None where it refuses."""
    dice, cases = random.Random(seed), []
    torch.manual_seed(seed)
    for _ in range(SETTINGS):
        channels, k = dice.randint(1, 3), dice.randint(1, 5)
        size = channels, dice.randint(1, 9), dice.randint(1, 9)
        x = torch.randn(size, dtype=torch.float64, requires_grad=True)
        kernel = torch.randn(channels, k, k, dtype=torch.float64)
        groups = dice.choice([1, channels])
        weight = kernel[:, None] if transposed else kernel.view(groups, -1, k, k)
        options = {name: dice.randint(1, 3) for name in ("stride", "dilation")}
        options |= {"padding": dice.randint(0, 3), "groups": groups}
        case = {"x": x.tolist(), "kernel": kernel.tolist(), "bias": dice.uniform(-2, 2)}
        bias = torch.full((groups,), case["bias"], dtype=torch.float64)
        try:
            call = F.conv_transpose2d if transposed else F.conv2d
            y = call(x[None], weight, bias, **options)[0]
        except RuntimeError:
            y = None
        cases.append((case | options | {"transposed": transposed}, x, y))
    return cases


@pytest.mark.parametrize("transposed", [False, True])
def test_random_settings_equal_pytorch(page, transposed):
    cases = random_cases(7, transposed)
    refused = 0
    solved = page.evaluate(SOLVE, [case for case, _, _ in cases])
    for (case, _, wanted), got in zip(cases, solved, strict=True):
        if wanted is None:
            refused += 1
            assert got.startswith("There is no output"), case
        else:
            numbers = torch.tensor(got, dtype=torch.float64)
            torch.testing.assert_close(numbers, wanted.detach(), rtol=0, atol=1e-9)
    assert 20 <= refused <= 200


@pytest.mark.parametrize("transposed", [False, True])
def test_links_are_what_the_gradient_says(page, transposed):
    """Of one output: which inputs it reads, and with which weight; of one input: what it feeds."""
    dice = random.Random(3)
    for case, x, y in [each for each in random_cases(3, transposed) if each[2] is not None][:40]:
        at = tuple(dice.randrange(size) for size in y.shape)
        (wanted,) = torch.autograd.grad(y[at], x, retain_graph=True)
        place = dict(zip(("plane", "row", "column"), at, strict=True))
        read = torch.zeros_like(x)
        for link in page.evaluate(LINKS, [case, place | {"where": "output"}]):
            of = (link["channel"], link["row"], link["column"])
            assert link["padding"] == (not link["inside"])
            assert link["pixel"] == (x[of].item() if link["inside"] else 0)
            if link["inside"]:
                read[of] += link["weight"]
        torch.testing.assert_close(read, wanted, rtol=0, atol=1e-12)

        at = tuple(dice.randrange(size) for size in x.shape)
        # Backwards through the gradient: how much each output changes with this input.
        v = torch.zeros_like(y, requires_grad=True)
        (back,) = torch.autograd.grad(y, x, v, create_graph=True)
        (wanted,) = torch.autograd.grad(back[at], v)
        place = dict(zip(("plane", "row", "column"), at, strict=True))
        fed = torch.zeros_like(wanted.sum(0))
        for link in page.evaluate(LINKS, [case, place | {"where": "input"}]):
            assert link["pixel"] == x[at].item()
            if link["inside"]:
                fed[link["row"], link["column"]] += link["weight"]
        torch.testing.assert_close(fed, wanted.sum(0), rtol=0, atol=1e-12)


def test_unseen_rows_are_those_without_a_gradient(page):
    for size in range(4, 10):
        for k, stride, padding, dilation in [(3, 2, 0, 1), (1, 3, 1, 1), (2, 2, 1, 2)]:
            padded = torch.ones(1, 1, size + 2 * padding, dtype=torch.float64, requires_grad=True)
            kernel = torch.ones(1, 1, k, dtype=torch.float64)
            y = F.conv1d(padded, kernel, stride=stride, dilation=dilation)
            (gradient,) = torch.autograd.grad(y.sum(), padded)
            wanted = [n - padding for n in range(size + 2 * padding) if gradient[0, 0, n] == 0]
            settings = {"k": k, "stride": stride, "padding": padding, "dilation": dilation}
            assert page.evaluate(UNSEEN, [size, settings]) == wanted
