"""Measure what must be quick: `python -m tests.benchmarks`, in the project's folder.

Prints one row for each measurement: the median, the 95th percentile (the 5th where more is
better), the bound, and whether the median keeps it. Nothing is asserted, because how quick a
machine is depends on what else it does. A group of rows is a function that yields `Row`s.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BROWSER_TESTS = Path(__file__).resolve().parent / "browser"
KERNEL_MS = 70.0  # from a key press to the new picture's pixels
FRAME_MS = 1000 / 60  # from a key press to the next frame
LAST_RUNG = 3.0  # times F.conv2d
PLAIN_LOOP, BF16 = 1.1, 1.8  # how much faster fit is than a plain loop, in float32 and bfloat16
SIDE_BY_SIDE = 4.0  # times as long as one kernel, where two run a lesson at once
PHOTOS = 2.0  # how much faster photos are loaded than by a plain loop
LINEAR, PERCEPTRON, NETWORK = 75.0, 85.0, 95.0  # % of the pets, at most, at most and at least
PRESSES, WARM_UP = 30, 6  # of keys for each control; how many before them do not count
ASKS_THE_KERNEL = ("architecture bench",)  # a page of its own, with numbers from Python
KEYS = {
    "slider": ("ArrowRight", "ArrowLeft"),
    "select": ("ArrowDown", "ArrowUp"),
    "checkbox": ("Space", "Space"),
    "grid": ("ArrowRight", "ArrowLeft"),
}
SET_UP = """from cnn_basics import datasets, images, widgets
path = datasets.picture_paths("training_set", "cats")[0]"""
WIDGETS = {
    "channel mixer": "widgets.channel_mixer(images.resize(images.read_image(path), 224))",
    "connections": "widgets.connections_explorer()",
    "convolution lens": "widgets.convolution_lens()",
    "views": "widgets.view_explorer()",
    "pooling": "widgets.pooling_explorer()",
    "activations": "widgets.activation_playground()",
    "architecture bench": "widgets.architecture_bench()",
    "loss walk": "widgets.loss_walk()",
    "roofline": "widgets.roofline_explorer()",
}
# The page's own clock: from the key's capture phase to the frame that paints the first change of
# the widget; a picture counts as painted once it is decoded.
CLOCK = """(cell) => {
    const root = jupyterapp.shell.currentWidget.content.widgets[cell].outputArea.node;
    const fromKernel = root.querySelector(".cnn-basics-picture, .cb-surface");
    const kernel = Boolean(fromKernel);
    const watched = fromKernel ?? root;
    window.times = [];
    let start = null;
    root.addEventListener("keydown", () => (start = performance.now()), true);
    new MutationObserver(async () => {
        if (start === null) return;
        const from = start;
        start = null;
        const picture = kernel && watched.querySelector("img");
        if (picture) await picture.decode();
        requestAnimationFrame(() => window.times.push(performance.now() - from));
    }).observe(watched, { childList: true, subtree: true, attributes: true, characterData: true });
    return kernel;
}"""


@dataclass(frozen=True)
class Row:
    """What was measured, and the most, or with `at_least` the least, that its median may be."""

    name: str
    times: list[float]
    bound: float | None
    unit: str = "ms"
    at_least: bool = False

    def __str__(self) -> str:
        if not self.times:
            return f"{self.name:<58} nothing changed"
        median = statistics.median(self.times)
        ranked = sorted(self.times)
        slow = ranked[int((0.05 if self.at_least else 0.95) * (len(ranked) - 1) + 0.5)]
        said = f"{self.name:<58}{len(ranked):>4}{median:>9.2f}{slow:>9.2f}"
        if self.bound is None:
            return f"{said}{'':>9}  {self.unit}"
        holds = median >= self.bound if self.at_least else median <= self.bound
        return f"{said}{self.bound:>9.2f}  {self.unit}, {'holds' if holds else 'MISSED'}"


def measure_widgets() -> Iterator[Row]:
    """Every control of every widget, by keys, in JupyterLab in a real browser."""
    with open_page(list(WIDGETS.values())) as page:
        from moving import ask, scan

        for cell, widget in enumerate(WIDGETS, 1):
            ask(page, "show", cell)
            kernel = page.evaluate(CLOCK, cell) or widget in ASKS_THE_KERNEL
            for control in scan(page, cell):
                if control.kind in KEYS and not is_out_of_reach(control):
                    times = press_keys(page, control)
                    yield Row(f"{widget}: {control.key}", times, KERNEL_MS if kernel else FRAME_MS)


def measure_board() -> Iterator[Row]:
    """One drawing of the training board: its buttons answer at once, and it draws meanwhile."""
    import torch

    from cnn_basics.by_hand.fast import time_side_by_side
    from cnn_basics.model import Custom_CNN
    from cnn_basics.widgets import training_board

    pictures = torch.randint(0, 256, (64, 3, 28, 28), dtype=torch.uint8)
    data = (pictures, torch.arange(64) % 2)
    board = training_board(Custom_CNN(), data, data, epochs=1)
    board.start()
    board.wait()
    seconds = time_side_by_side({"drawing": board.redraw}, PRESSES)["drawing"]
    board.close()
    yield Row("training board: one drawing", [1000 * each for each in seconds], KERNEL_MS)


def measure_rungs() -> Iterator[Row]:
    """The rungs of lesson 12 at the layers of `Custom_CNN`, as multiples of the library's time."""
    import torch

    from cnn_basics.by_hand.fast import RUNGS, ladder, ratios_to, time_side_by_side
    from cnn_basics.model import Custom_CNN

    model = Custom_CNN()
    for layer, shape in (("conv1", (3, 28, 28)), ("conv2", (32, 14, 14))):
        x, weight = torch.rand(64, *shape), getattr(model, layer).weight.detach()
        seconds = time_side_by_side(ladder(x, weight, padding=2), repeats=15)
        for name, ratios in ratios_to("F.conv2d", seconds).items():
            bound = LAST_RUNG if name.endswith(list(RUNGS)[-1]) else None
            yield Row(f"{layer}: {name}", ratios, bound, "× F.conv2d")


def measure_fit() -> Iterator[Row]:
    """Training `Custom_CNN`, beside others on the same pictures."""
    from tests import benchmark_fit

    bounds = {"plain loop over a DataLoader": PLAIN_LOOP, "plain loop": BF16}
    for name, ratios in benchmark_fit.measure_fit().items():
        bound = bounds.get(name.partition(": ")[2], 1.0 if ": " in name else None)
        yield Row(name, ratios, bound, "times", at_least=True)


def measure_difficulty() -> Iterator[Row]:
    """How many of the bundled pets are told apart: it shall be neither too easy nor too hard."""
    from tests import benchmark_fit

    bounds = (LINEAR, PERCEPTRON, NETWORK)
    found = benchmark_fit.measure_difficulty()
    for (name, accuracies), bound in zip(found.items(), bounds, strict=True):
        percent = [100 * accuracy for accuracy in accuracies]
        yield Row(f"pets: {name}", percent, bound, "% right", at_least=bound == NETWORK)


def measure_photos() -> Iterator[Row]:
    """Loading photos, beside the loop that one writes first."""
    from tests import benchmark_photos

    for name, ratios in benchmark_photos.measure_photo_loading().items():
        yield Row(name, ratios, PHOTOS, "times", at_least=True)


def measure_lessons() -> Iterator[Row]:
    """How long each lesson takes from its first cell to its last."""
    for path in lessons():
        yield Row(path.stem, [run_lessons(path)], None, "seconds")


def measure_side_by_side() -> Iterator[Row]:
    """Lesson 9 in two kernels at once, as in a class on one machine, beside one kernel alone."""
    path = lessons()[9]
    ratio = run_lessons(path, path) / run_lessons(path)
    yield Row(f"{path.stem}, two kernels / one", [ratio], SIDE_BY_SIDE, "times")


def lessons() -> list[Path]:
    from cnn_basics.authoring.refresh import LESSONS

    return sorted(LESSONS.glob("[0-9]*.ipynb"))


def run_lessons(*paths: Path) -> float:
    """Run lessons at the same time, a kernel each, and return how many seconds that took."""
    import nbformat

    from cnn_basics.authoring.refresh import execute

    def run(path: Path) -> None:
        execute(nbformat.read(path, as_version=4), path.parent)

    start = time.perf_counter()
    with ThreadPoolExecutor(len(paths)) as pool:
        list(pool.map(run, paths))
    return time.perf_counter() - start


GROUPS = {
    "widgets": measure_widgets,
    "board": measure_board,
    "rungs": measure_rungs,
    "fit": measure_fit,
    "difficulty": measure_difficulty,
    "photos": measure_photos,
    "lessons": measure_lessons,
    "side_by_side": measure_side_by_side,
}


@contextmanager
def open_page(cells: list[str]) -> Iterator:
    """A page of JupyterLab with these cells, run after one that imports what they need."""
    sys.path.insert(0, str(BROWSER_TESTS))
    import driving

    with (
        tempfile.TemporaryDirectory() as folder,
        driving.Lab(Path(folder)) as lab,
        driving.open_browser() as browser,
    ):
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        driving.watch(page, [])
        lab.open(page, cells=(SET_UP, *cells))
        driving.run_all(page)
        yield page


def is_out_of_reach(control) -> bool:
    """Whether it is switched off, waits for a button, or was taken away by what moved before it."""
    from moving import WAITING

    return control.key in WAITING or control.given["disabled"] or control.state()["gone"]


def press_keys(page, control) -> list[float]:
    """Press two keys in turn, each after the answer to the last; return how long answers took."""
    page.evaluate("() => (window.times = [])")
    control.focus()
    for number in range(PRESSES + WARM_UP):
        control.press(KEYS[control.kind][number % 2])
        control.state()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    return page.evaluate("() => window.times")[WARM_UP:]


def describe_machine() -> str:
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of: {', '.join(GROUPS)}")
    groups = parser.parse_args(arguments).groups or GROUPS
    if unknown := set(groups) - set(GROUPS):
        parser.error(f"expected groups of {', '.join(GROUPS)}, got {', '.join(sorted(unknown))}")
    print(describe_machine())
    print(f"{'':<58}{'n':>4}{'median':>9}{'95 %':>9}{'bound':>9}")
    for name in groups:
        for row in GROUPS[name]():
            print(row, flush=True)


if __name__ == "__main__":
    main()
