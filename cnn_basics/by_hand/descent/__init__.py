"""Descent on a surface of two weights: surfaces, the update rules written out, and their paths."""

from cnn_basics.by_hand.descent.curvature import curvatures
from cnn_basics.by_hand.descent.rules import RULES, adam_step, momentum_step, sgd_step
from cnn_basics.by_hand.descent.surfaces import SURFACES, Surface
from cnn_basics.by_hand.descent.walking import Walk, walk

__all__ = [
    "RULES",
    "SURFACES",
    "Surface",
    "Walk",
    "adam_step",
    "curvatures",
    "momentum_step",
    "sgd_step",
    "walk",
]
