"""The three colour channels of a picture: apart, in their own colours, and together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from cnn_basics.images.checks import check_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cnn_basics.figures import LessonFigure

View = Literal["grey", "tinted", "recombined"]
NAMES = ("Red", "Green", "Blue")


def split_channels(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take a picture apart into its red, green and blue channel.

    Args:
        image: `(H, W, 3)` uint8 array, values 0 to 255.

    Returns:
        Red, green and blue, each a `(H, W)` uint8 array and a copy: changing it leaves the
        picture as it is.

    Raises:
        TypeError: `image` is not a NumPy array.
        ValueError: `image` is not `(H, W, 3)` uint8.

    Example:
        >>> image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
        >>> red, green, blue = split_channels(image)
        >>> red.tolist()
        [[0, 3], [6, 9]]
        >>> bool((np.stack([red, green, blue], axis=-1) == image).all())
        True
    """
    red, green, blue = np.moveaxis(check_picture(image), -1, 0)
    return red.copy(), green.copy(), blue.copy()


def show_rgb(image: np.ndarray, view: View = "grey") -> LessonFigure:
    """Draw a picture's three channels side by side.

    Args:
        image: `(H, W, 3)` uint8 array, values 0 to 255.
        view: `"grey"` shows each channel as a grey picture, from 0 (black) to 255 (white);
            `"tinted"` shows each in its own colour; `"recombined"` shows the picture, the three
            tinted channels, and the picture that they add up to.

    Returns:
        The figure; its alt text names each channel's mean.

    Raises:
        TypeError: `image` is not a NumPy array.
        ValueError: `image` is not `(H, W, 3)` uint8, or `view` is another word.

    Example:
        >>> figure = show_rgb(np.zeros((28, 28, 3), dtype=np.uint8), view="tinted")
        >>> len(figure.axes)
        3
    """
    from cnn_basics.figures import new_figure

    if view not in get_args(View):
        raise ValueError(f'expected view "grey", "tinted" or "recombined", got {view!r}: use one')
    panels = _panels(image, view)
    figure, axes = new_figure(1, len(panels), width=7.0, height=2.6 if len(panels) == 3 else 1.8)
    for panel_axes, (title, panel) in zip(axes, panels.items(), strict=True):
        _draw(panel_axes, title, panel)
    if view == "recombined":
        for panel_axes, sign in zip(axes[1:], "=++=", strict=True):
            panel_axes.text(-0.08, 0.5, sign, transform=panel_axes.transAxes, ha="center")
    figure.alt = _alt(image, view)
    return figure


def _panels(image: np.ndarray, view: View) -> dict[str, np.ndarray]:
    """Title and pixels of each panel, `(H, W)` grey or `(H, W, 3)` coloured."""
    channels = split_channels(image)
    if view == "grey":
        return dict(zip(NAMES, channels, strict=True))
    tinted = {}
    for index, name in enumerate(NAMES):
        tinted[name] = np.zeros_like(image)
        tinted[name][..., index] = channels[index]
    if view == "tinted":
        return tinted
    return {"Picture": image, **tinted, "Recombined": np.stack(channels, axis=-1)}


def _draw(axes: Axes, title: str, panel: np.ndarray) -> None:
    from cnn_basics.figures import plain_axes

    axes.imshow(panel, cmap="gray", vmin=0, vmax=255)  # without limits grey would be stretched
    plain_axes(axes, title)


def _alt(image: np.ndarray, view: View) -> str:
    height, width = image.shape[:2]
    channels = zip(NAMES, split_channels(image), strict=True)
    means = ", ".join(f"{name.lower()} {channel.mean():.0f}" for name, channel in channels)
    how = {
        "grey": "as three grey pictures, where white means much of that colour",
        "tinted": "as three pictures, each in its own colour on black",
        "recombined": "as three pictures in their own colours, which add up to the picture again",
    }
    return (
        f"The red, green and blue channel of a picture {height} pixels high and {width} wide, "
        f"{how[view]}; mean out of 255: {means}."
    )
