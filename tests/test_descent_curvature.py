"""Curvatures by differences against PyTorch's second derivatives."""

from __future__ import annotations

import pytest
import torch
from torch.autograd.functional import hessian

from cnn_basics.by_hand import SURFACES, curvatures, walk


@pytest.mark.parametrize("name", SURFACES)
def test_they_are_the_eigenvalues_of_the_second_derivatives(name):
    surface = SURFACES[name]
    generator = torch.Generator().manual_seed(0)
    points = 4 * torch.rand(3, 5, 2, dtype=torch.float64, generator=generator) - 2
    got = curvatures(surface, points)
    assert got.shape == points.shape
    for index in range(15):
        point, found = points.view(-1, 2)[index], got.view(-1, 2)[index]
        wanted = torch.linalg.eigvalsh(hessian(surface.loss, point))
        assert torch.allclose(found, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("share", [0.99, 1.01])
def test_two_over_the_curvature_is_where_sgd_runs_away(share):
    largest = curvatures(SURFACES["ravine"], torch.zeros(2, dtype=torch.float64))[-1].item()
    losses = walk("ravine", learning_rate=share * 2 / largest, steps=400).losses
    assert (losses[-1] > losses[0]) == (share > 1)
