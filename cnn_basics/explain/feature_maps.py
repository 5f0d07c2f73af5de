"""What every step of a network makes of a picture."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from cnn_basics.explain.checks import check_pictures
from cnn_basics.explain.steps import OutputKeeper, refuse_unknown
from cnn_basics.model.untouched import untouched


def feature_maps(
    model: nn.Module, x: Tensor, layers: Sequence[str] | None = None
) -> dict[str, Tensor]:
    """Keep what comes out of each step of a network, not only at its end.

    A hook on every layer keeps the layer's output; functions that are called between layers, such
    as `F.relu`, are kept too. The network runs in evaluation mode and is left as it was; all
    hooks are removed again, also after an error.

    Args:
        model: any network.
        x: (N, C, H, W), the pictures as the network takes them.
        layers: the names of the steps that are wanted; None for all. A step is named as
            `torch.fx` names it: by the layer's name in the network (`conv1`), else by the function
            (`relu`), and by a number when it is called again (`relu_1`).

    Returns:
        The outputs by name in the order of the calls (in that of `layers`, if given), cut off
        from autograd.

    Raises:
        TypeError: if `x` is not a float tensor.
        ValueError: if `x` has not four axes, or the network has no such step.

    Example:
        >>> import torch
        >>> from cnn_basics.model import Custom_CNN
        >>> maps = feature_maps(Custom_CNN(), torch.zeros(1, 3, 28, 28), ["conv1", "relu_1"])
        >>> {name: tuple(one.shape) for name, one in maps.items()}
        {'conv1': (1, 32, 28, 28), 'relu_1': (1, 64, 14, 14)}
    """
    check_pictures(x)
    keeper = OutputKeeper(model)
    with untouched(model), keeper.watching():
        model(x)
    found = keeper.outputs(containers=layers is not None)
    if layers is None:
        return found
    for name in layers:
        refuse_unknown(name, list(found))
    return {name: found[name] for name in layers}
