"""Refusals as a table: each call raises one sentence, what was expected, what came and the fix."""

import re

import pytest


def assert_one_sentence(error):
    assert isinstance(error, (ValueError, TypeError)), "not refused"
    assert re.fullmatch("expected .*: .*", str(error))


def refusing(*cases):
    """Make a test of calls, each with a part of its sentence."""

    @pytest.mark.parametrize(("call", "message"), cases, ids=[message for _, message in cases])
    def test(call, message):
        with pytest.raises((ValueError, TypeError), match=message) as caught:
            call()
        assert_one_sentence(caught.value)

    return test
