"""The convolutional network that the lessons build, train and look into."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnn_basics.model.counts import check_count as _check_count
from cnn_basics.model.pictures import check_pictures

torch.fx.wrap("check_pictures")  # torch.fx then records the check as one step of the network


class Custom_CNN(nn.Module):
    """Two convolutions and two fully connected layers: 28×28 pictures in, one score per class out.

    With its defaults the network has 857,282 parameters, and its state dict has the names
    `conv1`, `conv2`, `fc1` and `fc2`, each with `weight` and `bias`.

    Args:
        num_classes: how many scores come out; 2 for cat and dog.
        in_channels: channels of a picture; 3 for RGB, 1 for grey digits.

    Raises:
        ValueError: if a number is below 1, or (when called) if the pictures have another shape.
        TypeError: if a number is not an int, or (when called) if `x` is not a tensor or has
            another dtype than the weights.

    Example:
        >>> Custom_CNN()(torch.zeros(100, 3, 28, 28)).shape
        torch.Size([100, 2])
    """

    def __init__(self, num_classes: int = 2, in_channels: int = 3) -> None:
        super().__init__()
        _check_count("num_classes", num_classes)
        _check_count("in_channels", in_channels)
        self.conv1 = nn.Conv2d(in_channels, 32, kernel_size=5, padding=2)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=5, padding=2)
        self.fc1 = nn.Linear(7 * 7 * 64, 256)
        self.fc2 = nn.Linear(256, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Score each picture.

        Args:
            x: (N, in_channels, 28, 28), float, the dtype and device of the weights, usually in
                0…1; N may be 0.

        Returns:
            (N, num_classes), the scores (logits) before any softmax.
        """
        check_pictures(x, self.conv1.weight)
        x = F.relu(self.conv1(x))  # (N, 32, 28, 28)
        x = F.max_pool2d(x, kernel_size=2)  # (N, 32, 14, 14)
        x = F.relu(self.conv2(x))  # (N, 64, 14, 14)
        x = F.max_pool2d(x, kernel_size=2)  # (N, 64, 7, 7)
        x = torch.flatten(x, start_dim=1)  # (N, 3136): keeps one row per picture
        x = F.relu(self.fc1(x))  # (N, 256)
        return self.fc2(x)  # (N, num_classes)
