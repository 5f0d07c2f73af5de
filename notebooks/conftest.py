"""When a lesson is tested, the numbers in its text are compared with what computes them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell

from cnn_basics.authoring.claims import Claim, changed, claims_by_code_cell


def pytest_itemcollected(item: pytest.Item) -> None:
    """Compare only the kind of an error of PyTorch's own: every version words it anew."""
    if isinstance(item, IPyNbCell) and any(
        output.get("ename") == "RuntimeError" for output in item.cell.outputs
    ):
        skipped = (*item.parent.skip_compare, "evalue")
        item.compare_outputs = partial(item.compare_outputs, skip_compare=skipped)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Check the claims that follow a code cell once it has run."""
    result = yield
    if isinstance(item, IPyNbCell):
        for claim in claims_by_code_cell(item.parent.nb.cells)[item.cell_num]:
            said = evaluate(item.parent.kernel, claim.stated, claim)
            assert said == "", f"{item.parent.name}, after {item.name}: {said}"
            other = changed(claim.stated)
            assert evaluate(item.parent.kernel, other, claim), f"{claim} holds for {other} as well"
    return result


def evaluate(kernel: RunningKernel, stated: str, claim: Claim) -> str:
    """Compare a number with what the claim's expression gives in the lesson's kernel."""
    expression = (
        "__import__('cnn_basics.authoring.claims', fromlist=['compare'])"
        f".compare({stated!r}, ({claim.expression}))"
    )
    asked = kernel.kc.execute(
        "", silent=True, store_history=False, user_expressions={"said": expression}
    )
    while True:
        reply = kernel.kc.get_shell_msg(timeout=60)
        if reply["parent_header"].get("msg_id") == asked:
            break
    said = reply["content"]["user_expressions"]["said"]
    if said["status"] == "error":
        return f"{claim.expression} raises {said['ename']}: {said['evalue']}"
    return said["data"]["text/plain"].strip("'\"")
