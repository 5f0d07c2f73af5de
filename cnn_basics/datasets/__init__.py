"""Pictures as tensors: the bundled pets, real digits, any folder of photos, a public photo set.

Whatever the source, pictures come as one uint8 tensor `(N, C, H, W)`, labels as int64 `(N,)`, and
the class names as a tuple whose index is the label.

Example:
    >>> pictures, labels, names = load_pets("test_set")
    >>> pictures.shape, labels.bincount().tolist(), names
    (torch.Size([600, 3, 28, 28]), [300, 300], ('cats', 'dogs'))
"""

from cnn_basics.datasets.digits import digit_from_drawing, load_digits
from cnn_basics.datasets.downloading import download
from cnn_basics.datasets.folders import load_folder
from cnn_basics.datasets.listing import SUFFIXES
from cnn_basics.datasets.photos import Photos, Skipped
from cnn_basics.datasets.pictures import (
    BUNDLED,
    FOLDER_VARIABLE,
    SPECIES,
    SPLITS,
    data_folder,
    load_pets,
    load_pictures,
    picture_paths,
)

__all__ = [
    "BUNDLED",
    "FOLDER_VARIABLE",
    "SPECIES",
    "SPLITS",
    "SUFFIXES",
    "Photos",
    "Skipped",
    "data_folder",
    "digit_from_drawing",
    "download",
    "load_digits",
    "load_folder",
    "load_pets",
    "load_pictures",
    "picture_paths",
]
