"""The connections explorer in Python: every setting, its picture, and what is refused."""

import numpy as np
import pytest
from traitlets import TraitError

from cnn_basics import widgets
from cnn_basics.widgets.connections import RANGES


def test_kernel_and_unit_stay_inside_over_the_range_of_every_control():
    explorer = widgets.connections_explorer(np.int64(12))
    explorer.unit = [9, 9]
    for size in reversed(RANGES["size"]):
        for kernel_size in (k for k in RANGES["kernel_size"] if k <= size):
            explorer.size, explorer.kernel_size = np.int64(size), kernel_size
            explorer.unit = [99, 0]
            assert explorer.unit == [size - kernel_size, 0]
        assert f"Output ({size - kernel_size}, 0)" in explorer.still().alt
    explorer.kernel_size, explorer.size = 5, 4
    assert (explorer.kernel_size, explorer.unit) == (4, [0, 0])


def test_the_picture_names_the_weights_where_they_can_be_read():
    explorer = widgets.connections_explorer(6)
    assert "weights 217 to 252, its own" in explorer.still().alt
    assert "weights a to i, the same for every output" in explorer.still().alt
    full, _, convolution, _ = explorer.still().axes
    assert [text.get_text() for text in full.texts] == [str(n) for n in range(217, 253)]
    assert "".join(text.get_text() for text in convolution.texts) == "abcdefghi"
    places = [text.get_position() for text in convolution.texts if text.get_text()]
    assert (places[0], places[-1]) == ((2, 1), (4, 3))
    explorer.size = 12
    assert not any(text.get_text() for text in explorer.still().axes[0].texts)
    with pytest.raises(TraitError, match="expected kernels from 1 to 8, got 9: choose a number"):
        explorer.kernels = 9
