"""Exercises that answer back: `check`, `hint`, `solution`, quick questions, and progress."""

from cnn_basics.exercises.asking import ask
from cnn_basics.exercises.commands import check, forget_progress, hint, progress, solution

__all__ = ["ask", "check", "forget_progress", "hint", "progress", "solution"]
