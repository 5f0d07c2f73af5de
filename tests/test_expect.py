"""The one refusal: what was expected, what came, what to do; and whole numbers of any kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cnn_basics.expect import describe, expect, number, whole

WORDS = [
    (torch.zeros(2, 3), "a float32 tensor of shape (2, 3)"),
    (np.zeros((4, 5, 3), np.uint8), "a uint8 array of shape (4, 5, 3)"),
    (torch.zeros(2, dtype=torch.int64), "an int64 tensor of shape (2,)"),
    (np.zeros(2, np.uint8), "a uint8 array of shape (2,)"),
    ([1], "a list"),
    (np.array, "a builtin_function_or_method"),
    (OSError(), "an OSError"),
    (None, "None"),
    (1.5, "1.5"),
]


@pytest.mark.parametrize(("value", "said"), WORDS)
def test_a_value_is_put_into_words(value, said):
    assert describe(value) == said


def test_a_refusal_is_one_sentence_of_the_kind_asked():
    with pytest.raises(TypeError, match=r"^expected a picture, got a list: read it first$"):
        expect(False, "a picture", [], "read it first", TypeError)
    with pytest.raises(ValueError, match=r"^expected one, got two of them: drop one$"):
        expect(0, "one", "two of them", "drop one")
    assert expect(True, "", None, "") is None


def test_any_kind_of_whole_number_becomes_an_int_and_nothing_else():
    for value in (3, np.int64(3), np.uint8(3), torch.tensor(3)):
        assert (whole(value, "stride", 1), type(whole(value, "stride", 1))) == (3, int)
    for value in (1.5, 2.0, True, "3", None, [3], torch.tensor(1.0)):
        with pytest.raises(TypeError, match=r"expected stride as a whole number from 1, got .*: w"):
            whole(value, "stride", 1)
    with pytest.raises(ValueError, match=r"epochs as a whole number from 1, got 0: write 10$"):
        whole(0, "epochs", 1, "write 10")


def test_any_kind_of_real_number_becomes_a_float_and_nothing_else():
    for value in (0.5, np.float32(0.5), np.float64(0.5)):
        assert number(value, "share", 0, 1) == 0.5
    for value in (2, -1, True, "0.5", None, [0.5], 0.5j, float("nan")):
        with pytest.raises(ValueError, match=r"^expected share as a number from 0 to 1, got .*"):
            number(value, "share", 0, 1)
