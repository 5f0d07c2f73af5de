"""A lesson's own test: its cells, the numbers in its text and notes, and the rules of lessons."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

from cnn_basics.authoring.claims import Claim, changed, claims_by_code_cell, read_notes

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))


class Rules(pytest.Item):
    """The rules that a lesson keeps, as a test that comes before its cells."""

    def runtest(self) -> None:
        """Fail with one sentence for each fault."""
        from notebook_rules import faults

        found = faults(self.path)
        if found:
            raise AssertionError("\n".join(found))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
        """Show the sentences alone."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the test."""
        return self.path, 0, f"{self.path.name}: rules"


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[pytest.CollectReport]:
    """Number a lesson's cells as JupyterLab does, and put its rules before them."""
    report = yield
    if isinstance(collector, IPyNbFile) and report.passed:
        report.result = [
            IPyNbCell.from_parent(
                collector,
                name=f"Cell [{number}]",
                cell_num=number,
                cell=item.cell,
                options=item.options,
            )
            for number, item in enumerate(report.result, 1)
        ]
        if collector.path.name[0].isdigit():
            report.result.insert(0, Rules.from_parent(collector, name="rules"))
    return report


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
        lesson = item.parent
        claims = claims_by_code_cell(lesson.nb.cells, read_notes(lesson.path.stem))
        said = []
        for claim in claims[item.cell_num - 1]:
            other = changed(claim.stated)
            said.append(evaluate(lesson.kernel, claim.stated, claim))
            if not said[-1] and not evaluate(lesson.kernel, other, claim):
                said.append(f"{claim} holds for {other} as well")
        said = [f"{lesson.name}, after {item.name}: {each}" for each in said if each]
        if said:
            pytest.fail("\n".join(said), pytrace=False)
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
        value = f"raises {said['ename']}: {said['evalue']}"
    else:
        value = said["data"]["text/plain"].strip("'\"")
        value = value and f"is {value}"
    return value and f"the text says {stated} in '…{claim.around}…', `{claim.expression}` {value}"
