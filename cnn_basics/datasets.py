"""Where the pictures of cats and dogs are, and how they become tensors."""

from __future__ import annotations

import os
from pathlib import Path

SPLITS = ("training_set", "test_set")
SPECIES = ("cats", "dogs")
FOLDER_VARIABLE = "CNN_BASICS_DATA"
BUNDLED = Path(__file__).resolve().parent.parent / "data" / "cat-and-dog"


def data_folder() -> Path:
    """Find the folder that holds the pictures of cats and dogs.

    Your own photographs come first: the folder named by the environment variable
    CNN_BASICS_DATA. Without it, the drawn pets that come with the lessons.

    Returns:
        A folder that holds `training_set/training_set/cats`, `…/dogs` and
        `test_set/test_set/cats`, `…/dogs`.

    Raises:
        FileNotFoundError: The folder, or one of the four inside it, is missing.

    Example:
        >>> data_folder().name
        'cat-and-dog'
    """
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else BUNDLED
