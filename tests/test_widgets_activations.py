"""The activation playground: PyTorch's numbers for every control."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from sweeping import sweep
from torch import nn

from cnn_basics.widgets import activation_playground
from cnn_basics.widgets.activations import COUNT, MODES, make_batch

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


def pytorchs(values):
    """The numbers as they come, normalised, and as they come out, by PyTorch's modules."""
    batch = entering = make_batch(values["shift"], values["spread"])
    if values["norm"]:
        layer = nn.BatchNorm1d(1).train(values["mode"] == "training")
        nn.init.constant_(layer.weight, values["gamma"])
        nn.init.constant_(layer.bias, values["beta"])
        entering = layer(batch[:, None])[:, 0].detach()
    return batch, entering, MODULES[values["activation"]](entering)


def words_of(figure):
    return [text.get_text() for text in figure.texts]


def check(figure, values):
    """Whatever was drawn and written is PyTorch's, for these values."""
    samples, name, module = pytorchs(values), values["activation"], MODULES[values["activation"]]
    curve, *histograms = figure.axes
    steps = [*histograms[0].patches, *histograms[1].patches]
    for step, sample in zip(steps, samples, strict=True):
        drawn = step.get_data()
        inside = sample.numpy().clip(drawn.edges[0], drawn.edges[-1])
        counts, _ = np.histogram(inside, drawn.edges)
        # float32 may put a number at an edge into the next bin
        assert np.abs(drawn.values - 100 * counts / COUNT).max() <= 300 / COUNT
        assert abs(drawn.values.sum() - 100) < 1e-6
    assert steps[0].get_visible() == values["norm"]
    x = torch.tensor(float(values["x"]), requires_grad=True)
    y, slope = module(x).item(), torch.autograd.grad(module(x), x)[0].item()
    xs, ys = curve.lines[2].get_data()
    assert np.allclose(ys, module(torch.from_numpy(xs)), atol=1e-6)
    line, point = (drawn.get_data() for drawn in curve.lines[3:])
    assert np.isclose((line[1][1] - line[1][0]) / (line[0][1] - line[0][0]), slope, atol=1e-5)
    assert np.allclose(np.ravel(point), (x.item(), y), atol=1e-6)
    shown = f"{name}({round(values['x'], 2):g}) = {round(y, 2):g}\n".replace("-0\n", "0\n")
    title = "\n".join(text.get_text() for text in curve.texts).replace("−", "-")
    assert title.startswith(shown)
    outputs = samples[2]
    assert f"mean {round(outputs.mean().item(), 2) + 0.0:g}," in figure.alt.replace("−", "-")
    zeros = 100 * int((outputs == 0).sum()) / COUNT
    if name == "ReLU" and (zeros in (0, 100) or 1 <= zeros <= 99):
        some = f"{zeros:.0f} % of the outputs are 0"
        said = {0: "No output is dead", 100: "Dead"}.get(zeros, some)
        assert words_of(figure)[1].startswith(said)
    assert all(line in figure.alt for line in words_of(figure))


def test_the_batch_is_the_same_every_time_and_leaves_chance_alone():
    state = torch.get_rng_state()
    batch = make_batch(1.5, 2.0)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.allclose(batch, 1.5 + 2.0 * make_batch(0.0, 1.0))
    assert (round(batch.mean().item(), 4), round(batch.std(correction=0).item(), 4)) == (1.5, 2.0)


def test_every_value_and_combinations_of_all_controls():
    playground = activation_playground()
    playground.controls["norm"].value = True
    figure = playground.still()
    for _ in sweep(playground):
        check(figure, playground.values())
    extremes = product(MODULES, (False, True), MODES, (-4.0, 1.3), (0.1, 3.0), (0.0, 2.0))
    names = ("activation", "norm", "mode", "shift", "spread", "gamma")
    for index, each in enumerate(extremes):
        values = dict(zip(names, each, strict=True))
        values |= {"x": (index % 121) / 10 - 6, "beta": (index * 7 % 61) / 10 - 3}
        check(playground.draw(**values), values)


def test_dead_and_saturated_are_said_and_controls_of_batch_norm_hidden_without_it():
    playground = activation_playground()
    controls = playground.controls

    def said(line, **values):
        for name, value in values.items():
            controls[name].value = value
        hidden = [controls[n].layout.visibility == "hidden" for n in ("mode", "gamma", "beta")]
        assert hidden == [not controls["norm"].value] * 3
        return words_of(playground.still())[line]

    assert said(1, shift=-4, spread=0.1) == "Dead: all outputs are 0, and no gradient passes."
    saturated = "No output is dead; for 100 % of the numbers the slope is below 0.05."
    assert said(1, activation="tanh") == saturated
    assert said(0, norm=True).startswith("Training: normalised with this batch's own")
    assert said(0, mode="evaluation").startswith("Evaluation: normalised with the running")
    assert said(1, activation="none") == "No output is dead, and no slope is below 0.05."
