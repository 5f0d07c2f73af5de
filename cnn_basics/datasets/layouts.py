"""Which folders under a path hold the classes, and which files in them are pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from cnn_basics.datasets.listing import SUFFIXES, by_number, is_hidden, is_picture
from cnn_basics.datasets.photos import Skipped

PUBLIC = "PetImages"  # the folder of classes inside the public set of photos


@dataclass(frozen=True)
class Listing:
    """The files of a folder of photos.

    Args:
        folder: The folder that holds one folder for each class.
        class_names: Their names, in alphabetical order.
        files: The pictures, class by class, each class in the order of its numbers.
        labels: For each of them, the index of its class.
        refused: What lies among them and is no picture by its name.

    Example:
        >>> Listing(Path("photos"), ("cats", "dogs"), (), (), ()).class_names
        ('cats', 'dogs')
    """

    folder: Path
    class_names: tuple[str, ...]
    files: tuple[Path, ...]
    labels: tuple[int, ...]
    refused: tuple[Skipped, ...]


def list_photos(
    path: str | PathLike[str], split: str | None = None, limit: int | None = None
) -> Listing:
    """Find the classes under a path, and their pictures.

    Args:
        path: A folder with one folder for each class, or one that holds `<split>/<class>`,
            `<split>/<split>/<class>` or `PetImages/<class>`; where a folder holds nothing but
            one other folder, the inner one counts. Hidden files and folders, and
            those of the system (`__MACOSX`, `Thumbs.db`), are left out.
        split: The split, where there are several; None where there is only one.
        limit: At most so many pictures of each class, from the lowest number on.

    Returns:
        The pictures, at least one of each class, of at least two classes.

    Raises:
        FileNotFoundError: There is no such folder, it holds no pictures, or a class is empty.
        ValueError: It holds several splits, another split, one class only, or pictures that are
            in no class.

    Example:
        >>> from cnn_basics.datasets import BUNDLED
        >>> list_photos(BUNDLED, "test_set", limit=1).files[1].name
        'dog.4001.png'
    """
    folder = _class_parent(_existing(Path(path).expanduser()), split)
    classes = _folders(folder)
    sorted_out = [_sort_out(each) for each in classes]
    _refuse_odd_classes(folder, classes, [pictures for pictures, _ in sorted_out])
    found = [pictures[:limit] for pictures, _ in sorted_out]
    return Listing(
        folder,
        tuple(each.name for each in classes),
        tuple(path for files in found for path in files),
        tuple(label for label, files in enumerate(found) for _ in files),
        tuple(Skipped(path, f"{path} {_why(path)}") for _, rest in sorted_out for path in rest),
    )


def _existing(root: Path) -> Path:
    if root.is_dir():
        return root
    if root.exists():
        raise ValueError(f"{root} is a file, expected a folder: unpack it, or name its folder")
    raise FileNotFoundError(f"{root} does not exist, expected a folder of photos: check its name")


def _folders(root: Path) -> list[Path]:
    with os.scandir(root) as entries:  # which knows folders from files without asking again
        paths = [Path(entry.path) for entry in entries if entry.is_dir()]
    return sorted(path for path in paths if not is_hidden(path))


def _class_parent(root: Path, split: str | None) -> Path:
    """The folder whose folders are the classes."""
    if split is not None:
        names = [path.name for path in _folders(root)]
        if split not in names:
            there = ", ".join(f'"{name}"' for name in names) or "none"
            raise ValueError(
                f"expected split as a folder in {root}, got {split!r}: there are {there}"
            )
        root = root / split
    root = _unwrapped(root)
    splits = [path for path in _folders(root) if _holds_folders_only(path)]
    if splits:
        names = " or ".join(f'split="{path.name}"' for path in splits)
        raise ValueError(
            f"{root} holds folders inside folders, expected pictures inside one folder for each "
            f"class: name the split, {names}, or move the pictures one level up"
        )
    return root


def _unwrapped(root: Path) -> Path:
    """Go down as long as there is but one way: `<split>/<split>`, or `PetImages`."""
    inside = _folders(root)
    public = root / PUBLIC
    if public in inside:
        return _unwrapped(public)
    if len(inside) == 1 and _holds_folders_only(inside[0]):
        return _unwrapped(inside[0])
    return root


def _holds_folders_only(folder: Path) -> bool:
    return not _holds_pictures(folder) and bool(_folders(folder))


def _holds_pictures(folder: Path) -> bool:
    return any(map(is_picture, folder.iterdir()))


def _refuse_odd_classes(folder: Path, classes: list[Path], found: list[list[Path]]) -> None:
    """Refuse what cannot be learned from: no pictures, an empty class, or one class only."""
    if not any(found):
        if _holds_pictures(folder):
            raise ValueError(
                f"{folder} holds pictures but no classes, expected one folder for each class: "
                "move the pictures of each class into a folder with the name of the class"
            )
        raise FileNotFoundError(
            f"{folder} holds no pictures, expected a folder for each class with files that end "
            f"in {', '.join(SUFFIXES)}: check the name, or put your photos there"
        )
    empty = [path for path, files in zip(classes, found, strict=True) if not files]
    if empty:
        raise FileNotFoundError(
            f"{empty[0]} holds no pictures, expected at least one in each class: "
            "put some there, or remove the folder"
        )
    if len(classes) < 2:
        raise ValueError(
            f"{folder} holds one class only, {classes[0].name}, expected at least two: "
            "add a folder with pictures of something else"
        )


def _sort_out(folder: Path) -> tuple[list[Path], list[Path]]:
    """The pictures in a folder, by number, and what is neither a picture by its name nor hidden."""
    pictures, rest = [], []
    for path in folder.iterdir():
        if is_picture(path):
            pictures.append(path)
        elif not is_hidden(path):
            rest.append(path)
    return sorted(pictures, key=by_number), sorted(rest)


def _why(path: Path) -> str:
    if path.is_dir():
        return "is a folder inside a class, expected pictures: move what it holds one level up"
    if not path.exists():
        return "is a link to a file that is not there: copy the picture itself"
    return (
        f"is no picture by its name, expected one that ends in {', '.join(SUFFIXES)}: "
        "save it as JPEG or PNG, or remove it"
    )
