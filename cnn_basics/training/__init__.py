"""Training: the loop, what it remembers, how well a network does, and pictures changed by chance.

Example:
    >>> from cnn_basics.datasets import load_pets
    >>> from cnn_basics.model import Custom_CNN
    >>> pictures, labels, names = load_pets("test_set")
    >>> few = pictures[::60], labels[::60]
    >>> history = fit(Custom_CNN(), few, epochs=1, progress=False)
    >>> history
    <History: 1 epoch>
"""

from cnn_basics.training.data import prepare
from cnn_basics.training.devices import choose_device, supports_bf16
from cnn_basics.training.evaluation import Evaluation, evaluate
from cnn_basics.training.fit import fit
from cnn_basics.training.history import History
from cnn_basics.training.seeds import set_seed
from cnn_basics.training.state import State

__all__ = [
    "Evaluation",
    "History",
    "State",
    "choose_device",
    "evaluate",
    "fit",
    "prepare",
    "set_seed",
    "supports_bf16",
]
