"""How a surface bends, which decides how long a step may be."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.descent.surfaces import Surface

_STEP = 1e-4  # of the differences, for coordinates of about 1


def curvatures(surface: Surface, points: torch.Tensor) -> torch.Tensor:
    """Compute the smallest and the largest curvature at points of a surface.

    They are the eigenvalues of the matrix of second derivatives, taken here as differences of the
    gradient. Along a direction of curvature c, SGD runs away when the learning rate is above 2/c.

    Args:
        surface: Any surface.
        points: `(..., 2)` float64.

    Returns:
        `(..., 2)` float64, the smaller one first; both are above 0 in a valley, and the smaller
        one is below 0 on a saddle.

    Example:
        >>> from cnn_basics.by_hand.descent import SURFACES
        >>> curvatures(SURFACES["ravine"], torch.zeros(2, dtype=torch.float64)).round().tolist()
        [1.0, 20.0]

    Source:
        LeCun, Simard & Pearlmutter (1993), "Automatic learning rate maximization by on-line
        estimation of the Hessian's eigenvectors": the bound 2/c.
    """
    size = _STEP * points.abs().amax(dim=-1).clamp(min=1.0)[..., None, None]
    shifts = torch.eye(2, dtype=points.dtype) * size
    ahead, behind = (surface.gradient(points[..., None, :] + way * shifts) for way in (1, -1))
    matrix = (ahead - behind) / (2 * size)
    return torch.linalg.eigvalsh((matrix + matrix.mT) / 2)
