"""Training: the loop, how well a network does, pictures changed by chance, and the command.

Example:
    >>> from cnn_basics.datasets import load_pets
    >>> from cnn_basics.model import Custom_CNN
    >>> pictures, labels, names = load_pets("test_set")
    >>> few = pictures[::60], labels[::60]
    >>> fit(Custom_CNN(), few, epochs=1, progress=False)
    <History: 1 epoch>
"""
# ruff: noqa: F401 - these are the names for users

from cnn_basics.training.augment import PhotoChanges, fit_photos
from cnn_basics.training.evaluation import (
    Data,
    Evaluation,
    Reliability,
    check_data,
    evaluate,
    prepare,
    reliability,
    resize,
)
from cnn_basics.training.loop import History, State, fit
from cnn_basics.training.machine import load_checkpoint, set_seed, supports_bf16
