"""A network for photographs: deeper than `Custom_CNN`, with fewer weights, for any size."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from cnn_basics.model.counts import check_count
from cnn_basics.model.pictures import check_photos

SMALLEST = 8  # pixels: halved three times, one is left


class Block(nn.Module):
    """Convolution, batch norm, ReLU.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd, so that padding keeps height and width.
        stride: 2 halves height and width.
        batch_norm: False leaves batch norm out, and gives the convolution a bias.
        shortcut: add the input to the output, so that the block only learns what to change.

    Example:
        >>> import torch
        >>> Block(3, 8, stride=2)(torch.zeros(1, 3, 9, 7)).shape
        torch.Size([1, 8, 5, 4])

    Source:
        Shortcuts: K. He et al. (2016), "Deep residual learning for image recognition",
        equation 1, https://arxiv.org/abs/1512.03385
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        *,
        batch_norm: bool = True,
        shortcut: bool = False,
    ) -> None:
        super().__init__()
        sizes = {"kernel_size": kernel_size, "stride": stride, "padding": kernel_size // 2}
        self.conv = nn.Conv2d(in_channels, out_channels, bias=not batch_norm, **sizes)
        self.norm = nn.BatchNorm2d(out_channels) if batch_norm else nn.Identity()
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, in_channels, H, W) into (N, out_channels, H, W), half of both with stride 2."""
        y = F.relu(self.norm(self.conv(x)))
        return x + y if self.shortcut else y


class PhotoNet(nn.Module):
    """Convolutions with batch norm, then one mean for each channel: any size in, scores out.

    With its defaults it has 453,090 parameters, about half of `Custom_CNN`, though three times
    as many convolutions: the mean over all places takes the place of `fc1`.

    Args:
        num_classes: how many scores come out.
        in_channels: channels of a picture; 3 for RGB.
        batch_norm: False leaves batch norm out.
        deep: False leaves out the two blocks with a shortcut.

    Raises:
        ValueError: if a number is below 1, or (when called) if the pictures have another shape.
        TypeError: if a number is not an int, or (when called) if `x` is not a tensor of floats.

    Example:
        >>> import torch
        >>> PhotoNet()(torch.zeros(10, 3, 64, 48)).shape
        torch.Size([10, 2])
    """

    def __init__(
        self,
        num_classes: int = 2,
        in_channels: int = 3,
        *,
        batch_norm: bool = True,
        deep: bool = True,
    ) -> None:
        super().__init__()
        check_count("num_classes", num_classes)
        check_count("in_channels", in_channels)

        def block(channels_in: int, channels_out: int, **options: object) -> nn.Module:
            return Block(channels_in, channels_out, batch_norm=batch_norm, **options)

        self.block1 = block(in_channels, 32, kernel_size=5, stride=2)
        self.block2 = block(32, 48)
        self.block3 = block(48, 96)
        self.block4 = block(96, 96, shortcut=True) if deep else nn.Identity()
        self.block5 = block(96, 144)
        self.block6 = block(144, 144, shortcut=True) if deep else nn.Identity()
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(144, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Score each picture.

        Args:
            x: (N, in_channels, H, W), float, both sides of at least 8 pixels; N may be 0.

        Returns:
            (N, num_classes), the scores (logits) before any softmax.
        """
        check_photos(x, self.block1.conv.weight, SMALLEST)
        x = self.block2(self.block1(x))  # (N, 48, H/2, W/2)
        x = F.max_pool2d(x, kernel_size=2)  # (N, 48, H/4, W/4)
        x = self.block4(self.block3(x))  # (N, 96, H/4, W/4)
        x = F.max_pool2d(x, kernel_size=2)  # (N, 96, H/8, W/8)
        x = self.block6(self.block5(x))  # (N, 144, H/8, W/8)
        x = x.mean(dim=(2, 3))  # (N, 144): one number for each channel, whatever the size
        return self.fc(self.dropout(x))  # (N, num_classes)
