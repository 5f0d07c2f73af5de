"""The activation playground: PyTorch's numbers for every control."""

from __future__ import annotations

import html
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from cnn_basics.widgets import activation_playground
from cnn_basics.widgets.activations import ACTIVATIONS, COUNT, MODES, make_batch, respond

MODULES = {
    "ReLU": nn.ReLU(),
    "leaky ReLU": nn.LeakyReLU(0.1),
    "ELU": nn.ELU(),
    "GELU": nn.GELU(),
    "SiLU": nn.SiLU(),
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "none": nn.Identity(),
}


def expect(values):
    """The numbers as they come, normalised, and as they come out, by PyTorch's modules."""
    batch = make_batch(values["shift"], values["spread"])
    entering = batch
    if values["norm"]:
        layer = nn.BatchNorm1d(1).train(values["mode"] == "training")
        nn.init.constant_(layer.weight, values["gamma"])
        nn.init.constant_(layer.bias, values["beta"])
        entering = layer(batch[:, None])[:, 0].detach()
    return batch, entering, MODULES[values["activation"]](entering)


def slope_at(name, x):
    point = torch.tensor(x, requires_grad=True)
    return torch.autograd.grad(MODULES[name](point), point)[0].item()


def count(sample, edges):
    """Per cent of the numbers in each bin; what lies beyond counts at the ends."""
    inside = sample.numpy().clip(edges[0], edges[-1])
    bins = np.searchsorted(edges, inside, side="right") - 1
    counts = np.bincount(bins.clip(0, len(edges) - 2), minlength=len(edges) - 1)
    return 100 * counts / len(inside)


def words_of(figure):
    return [text.get_text() for text in figure.texts]


def check(figure, values):
    samples = expect(values)
    curve, *histograms = figure.axes
    steps = [*histograms[0].patches, *histograms[1].patches]
    for step, sample in zip(steps, samples, strict=True):
        drawn = step.get_data()
        # float32 may put a number at an edge into the next bin
        assert np.abs(drawn.values - count(sample, drawn.edges)).max() <= 300 / COUNT
        assert abs(drawn.values.sum() - 100) < 1e-6
    assert steps[0].get_visible() == values["norm"]
    x = float(values["x"])
    y, slope = (
        MODULES[values["activation"]](torch.tensor(x)).item(),
        slope_at(values["activation"], x),
    )
    point, line = curve.lines[-1].get_data(), curve.lines[-2].get_data()
    assert np.allclose(np.ravel(point), (x, y), atol=1e-6)
    assert np.isclose((line[1][1] - line[1][0]) / (line[0][1] - line[0][0]), slope, atol=1e-5)
    xs, ys = curve.lines[2].get_data()
    assert np.allclose(ys, MODULES[values["activation"]](torch.from_numpy(xs)), atol=1e-6)
    check_words(figure, values, samples[2], y, slope)


def check_words(figure, values, outputs, y, slope):
    shown = f"{values['activation']}({round(values['x'], 2):g}) = {round(y, 2):g}\n"
    title = "\n".join(text.get_text() for text in figure.axes[0].texts).replace("−", "-")
    assert title.startswith(shown.replace("-0\n", "0\n"))
    assert f"mean {round(outputs.mean().item(), 2) + 0.0:g}," in figure.alt.replace("−", "-")
    zeros = 100 * int((outputs == 0).sum()) / COUNT
    if values["activation"] == "ReLU":
        told = words_of(figure)[1]
        if zeros == 100:
            assert told.startswith("Dead")
        elif zeros == 0:
            assert told.startswith("No output is dead")
        elif 1 <= zeros <= 99:
            assert told.startswith(f"{zeros:.0f} % of the outputs are 0")
    assert all(line in figure.alt for line in words_of(figure))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_outputs_and_slopes_are_pytorchs(name):
    x = torch.linspace(-6, 6, 121, dtype=torch.float64)
    y, slope = respond(name, x)
    assert torch.equal(y, MODULES[name](x))
    numeric = (MODULES[name](x + 1e-6) - MODULES[name](x - 1e-6)) / 2e-6
    smooth = x.abs() > 1e-3  # ReLU has a corner at 0
    assert torch.allclose(slope[smooth], numeric[smooth], atol=1e-5)


def test_there_is_an_activation_for_each_module():
    assert list(ACTIVATIONS) == list(MODULES)
    with pytest.raises(ValueError, match="use one of these"):
        respond("maxout", torch.zeros(1))


def test_the_batch_is_the_same_every_time_and_leaves_chance_alone():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    batch = make_batch(1.5, 2.0)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(batch, make_batch(1.5, 2.0))
    assert torch.allclose(batch, 1.5 + 2.0 * make_batch(0.0, 1.0))
    assert round(batch.mean().item(), 4) == 1.5
    assert round(batch.std(correction=0).item(), 4) == 2.0


def test_combinations_of_all_controls():
    playground = activation_playground()
    extremes = product(ACTIVATIONS, (False, True), MODES, (-4.0, 1.3), (0.1, 3.0), (0.0, 2.0))
    for index, (activation, norm, mode, shift, spread, gamma) in enumerate(extremes):
        values = {
            "activation": activation,
            "x": (index % 121) / 10 - 6,
            "shift": shift,
            "spread": spread,
            "norm": norm,
            "mode": mode,
            "gamma": gamma,
            "beta": (index * 7 % 61) / 10 - 3,
        }
        check(playground.draw(**values), values)


def test_every_value_of_every_control_draws():
    playground = activation_playground()
    playground.controls["norm"].value = True
    tenths = {
        "x": (-60, 60),
        "shift": (-40, 40),
        "spread": (1, 30),
        "gamma": (0, 20),
        "beta": (-30, 30),
    }
    every = {name: [n / 10 for n in range(low, high + 1)] for name, (low, high) in tenths.items()}
    every |= {"activation": list(ACTIVATIONS), "norm": [False, True], "mode": list(MODES)}
    assert set(every) == set(playground.controls)
    drawn = [playground.still()]  # the one figure that is drawn every time
    for name, values in every.items():
        control, before = playground.controls[name], playground.controls[name].value
        assert (getattr(control, "min", values[0]), getattr(control, "max", values[-1])) == (
            values[0],
            values[-1],
        )
        for value in values:
            drawings = playground.drawings
            with_change = control.value != value
            control.value = value
            assert playground.drawings == drawings + with_change
            check(drawn[0], playground.values())
        control.value = before
    assert f'alt="{html.escape(playground.still().alt)}"' in playground.picture.value


def test_dead_and_saturated_are_said():
    playground = activation_playground()
    playground.controls["shift"].value = -4
    playground.controls["spread"].value = 0.1
    assert words_of(playground.still())[1] == "Dead: all outputs are 0, and no gradient passes."
    playground.controls["activation"].value = "tanh"
    assert words_of(playground.still())[1] == (
        "No output is dead; for 100 % of the numbers the slope is below 0.05."
    )
    playground.controls["norm"].value = True
    assert words_of(playground.still())[0].startswith("Training: normalised with this batch's own")
    playground.controls["mode"].value = "evaluation"
    assert words_of(playground.still())[0].startswith("Evaluation: normalised with the running")
    playground.controls["activation"].value = "none"
    assert words_of(playground.still())[1] == "No output is dead, and no slope is below 0.05."


def test_controls_of_batch_norm_are_hidden_without_it():
    playground = activation_playground()
    names = ("mode", "gamma", "beta")
    assert [playground.controls[n].layout.visibility for n in names] == ["hidden"] * 3
    playground.controls["norm"].value = True
    assert [playground.controls[n].layout.visibility for n in names] == ["visible"] * 3
