"""How much faster `load_folder` reads photos than the loop that one writes first.

The photos are those of the folder that the environment variable CNN_BASICS_TEST_PHOTOS names, in
the layout of the bundled pictures or of one folder for each class; without it, our drawn pets, as
JPEGs of a camera's smallest size.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image

from cnn_basics.by_hand.fast import ratios_to, time_side_by_side
from cnn_basics.datasets import load_folder, picture_paths

SIZE = 64  # of the squares, in pixels
LIMIT = 150  # photos of each class
DRAWN = 12  # of each class; the files are copies of these
WIDTH, HEIGHT = 640, 480


def measure_photo_loading() -> dict[str, list[float]]:
    """Time both ways in turn: how many times as long the plain loop took, round by round."""
    chosen = os.environ.get("CNN_BASICS_TEST_PHOTOS", "")
    with tempfile.TemporaryDirectory() as kept, tempfile.TemporaryDirectory() as drawn:
        folder = Path(chosen or drawn).expanduser()
        if not chosen:
            draw_photos(folder)
        splits = sorted(path.name for path in folder.iterdir() if path.is_dir())
        split = splits[-1] if "training_set" in splits else None

        def load(cache: bool | str) -> np.ndarray:
            options = {"split": split, "limit": LIMIT, "progress": False, "cache": cache}
            return load_folder(folder, SIZE, **options)

        paths = load(kept).paths  # from now on the files are in memory, for both alike
        ways = {"decoded": False, "kept from the first time": kept}
        ways = {name: partial(load, cache) for name, cache in ways.items()}
        seconds = time_side_by_side(ways | {"plain loop": lambda: load_plainly(paths)}, repeats=5)
    said = "photos, plain loop / load_folder"
    return {f"{said}, {name}": ratios_to(name, seconds)["plain loop"] for name in ways}


def load_plainly(paths: tuple[Path, ...]) -> np.ndarray:
    """Read one file after the other, resize each, and stack them."""
    pictures = []
    for path in paths:
        picture = Image.fromarray(iio.imread(path)).convert("RGB")
        pictures.append(np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BILINEAR)))
    return np.stack(pictures).transpose(0, 3, 1, 2)


def draw_photos(folder: Path) -> None:
    """Fill a folder for each species with LIMIT JPEGs."""
    noise = np.random.default_rng(0).integers(-12, 13, (HEIGHT, WIDTH, 3))
    for species in ("cats", "dogs"):
        (folder / species).mkdir()
        paths = [folder / species / f"{number}.jpg" for number in range(LIMIT)]
        for path, drawn in zip(paths, picture_paths("training_set", species)[:DRAWN], strict=False):
            pet = Image.open(drawn).resize((WIDTH, HEIGHT))
            pixels = (np.asarray(pet) + noise).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(path, quality=90)
        for number, path in enumerate(paths[DRAWN:]):
            shutil.copyfile(paths[number % DRAWN], path)
