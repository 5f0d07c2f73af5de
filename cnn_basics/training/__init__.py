"""Training: the loop, how well a network does, pictures changed by chance, and the command."""
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
from cnn_basics.training.loop import History, Training, fit
from cnn_basics.training.machine import load_checkpoint, supports_bf16
