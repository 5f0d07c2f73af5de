"""The shape doctor: names the first step that fails, both numbers and the fix."""

from __future__ import annotations

from typing import NoReturn

from cnn_basics.model.case import Case, Finding, ShapeError
from cnn_basics.model.function_faults import FUNCTION_RULES, same_as_layer, unequal_shapes
from cnn_basics.model.layer_faults import LAYER_RULES, Rule
from cnn_basics.model.recorder import Recorder, Step
from cnn_basics.model.rows import Shape, spell
from cnn_basics.model.silent_faults import linear_on_map, no_batch_axis, rows_not_pictures

OWN_CODE = (ValueError, TypeError, RuntimeError, AssertionError, IndexError)


def diagnose(recorder: Recorder, inputs: list[Shape], error: Exception, seen_with: str) -> NoReturn:
    """Turn what a network raised into one sentence.

    Args:
        recorder: what ran before it.
        inputs: the shapes of the network's inputs.
        error: what the network raised.
        seen_with: words such as " with a batch of 2", or nothing.

    Raises:
        ShapeError: always, unless the error is no matter of shapes, which is raised again.
    """
    step = recorder.failed
    if step is None or recorder.error is not error:
        raise error
    if step.module is not None and not step.is_leaf:
        if not isinstance(error, OWN_CODE):
            raise error
        message = f"`{step.layer}` ({step.kind}) refused its input{seen_with}: {_line(error)}"
        raise ShapeError(message) from error
    finding = no_batch_axis(recorder.steps) or linear_on_map(recorder.steps)
    finding = finding or _first_finding(step, recorder.steps, inputs)
    if finding is None:
        shapes = spell(tuple(step.inputs)) or "no tensor"
        message = f"`{step.layer}` ({step.kind}) failed on {shapes}{seen_with}: {_line(error)}"
        raise ShapeError(message) from error
    raise ShapeError(_sentence(finding, step, seen_with)) from error


def check_steps(recorder: Recorder, inputs: list[Shape], check_batch: bool, seen_with: str) -> None:
    """Look for the mistakes that PyTorch lets pass.

    Args:
        recorder: the steps of a network that ran.
        inputs: the shapes of the network's inputs.
        check_batch: whether to look for pictures mixed by a view or reshape.
        seen_with: words such as " with a batch of 2", or nothing.

    Raises:
        ShapeError: if there is one.
    """
    finding = no_batch_axis(recorder.steps) or linear_on_map(recorder.steps)
    if finding is None and check_batch:
        finding = rows_not_pictures(recorder.steps, inputs[0][0], recorder.result)
    if finding is not None:
        raise ShapeError(_sentence(finding, finding.at, seen_with))


def _first_finding(step: Step, before: list[Step], inputs: list[Shape]) -> Finding | None:
    layer = step.module or same_as_layer(step)
    case = Case(step, layer, before, inputs)
    if not case.tensors:
        return None
    return next((found for rule in _rules(case) if (found := rule(case))), None)


def _rules(case: Case) -> tuple[Rule, ...]:
    """Choose the rules by the kind of layer or by the name of the function."""
    for kinds, rules in LAYER_RULES:
        if isinstance(case.layer, kinds):
            return rules
    if case.step.function:
        return FUNCTION_RULES.get(case.step.function, (unequal_shapes,))
    return ()


def _sentence(finding: Finding, step: Step, seen_with: str) -> str:
    at = finding.at or step
    return (
        f"`{at.layer}` ({at.kind}) expected {finding.expected} but got {finding.got}"
        f"{seen_with}: {finding.fix}"
    )


def _line(error: Exception) -> str:
    """PyTorch's own words, on one line."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
