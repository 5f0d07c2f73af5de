"""The convolution lens in JupyterLab, driven by mouse, keyboard and touch."""

from __future__ import annotations

import re

import pytest
import torch
import torch.nn.functional as F
from driving import (
    ask,
    button,
    command,
    control,
    find_axe_faults,
    get,
    press,
    run_all,
    run_in_kernel,
    use_dark_theme,
)
from playwright.sync_api import expect

from cnn_basics import widgets
from cnn_basics.widgets.lens import PRESETS

CELLS = (
    "import torch\nfrom cnn_basics import widgets",
    "lens = widgets.convolution_lens()\nlens",
    """
x = torch.tensor([
    [[1, 2, 0, 3], [4, 1, 0, 2], [2, 2, 5, 1]],
    [[0, 1, 1, 0], [3, 0, 2, 2], [1, 4, 0, 1]],
])
widgets.convolution_lens(x, "sharpen", padding=1, bias=2)
""",
)
SETTINGS = ("kernel_size", "stride", "padding", "dilation")


class Lens:
    """One view of a lens on the page."""

    def __init__(self, page, index: int = 0) -> None:
        self.root = page.locator(".cb-widget:has(.cb-stage)").nth(index)

    def grid(self, name: str):
        return self.root.get_by_role("grid", name=re.compile(rf"^{name}, \d"))

    def cell(self, name: str, row: int, column: int):
        return self.grid(name).locator(f"[data-place='{row} {column}']")

    def numbers(self, name: str = "Output") -> torch.Tensor | None:
        """What stands in a grid, padding left out; None where there is no output."""
        script = """(table) => [...table.querySelectorAll('[role=row]')].map((row) =>
            [...row.children].filter((c) => !(c.dataset.kind ?? "").includes("padding"))
                .map((c) => c.querySelector("input")?.value ?? c.textContent))"""
        if not self.grid(name).is_visible():
            return None
        rows = [[as_number(t) for t in row] for row in self.grid(name).evaluate(script)]
        return torch.tensor([row for row in rows if row], dtype=torch.float64)

    def marked(self, name: str, kind: str = "lit") -> list[list[int]]:
        places = "(cells) => cells.map((c) => c.dataset.place.split(' ').map(Number))"
        return self.grid(name).locator(f".cb-{kind}").evaluate_all(places)

    def text(self) -> str:
        return self.root.locator(".cb-sum").inner_text()

    def says(self, *sentences: str) -> None:
        for words in sentences:
            assert words in self.text()

    def control(self, name: str):
        return control(self.root, name)

    def press(self, name: str) -> None:
        button(self.root, name).click()

    def set(self, **values: int) -> None:
        """Move sliders by arrow keys."""
        for name, value in values.items():
            label = name.capitalize().replace("_", " ")
            steps = value - int(self.control(label).input_value())
            press(self.root, label, *["ArrowRight" if steps > 0 else "ArrowLeft"] * abs(steps))
            assert self.control(label).input_value() == str(value)


def as_number(text: str) -> float:
    return float(text.replace("−", "-"))


def numbers_of(name: str) -> torch.Tensor:
    """`x`, or the kernel of a preset, `(1, H, W)`."""
    lens = widgets.convolution_lens(kernel=None if name == "x" else name)
    return torch.tensor(lens.x if name == "x" else lens.kernel, dtype=torch.float64)


def convolve(view: Lens, call=F.conv2d, **options) -> torch.Tensor:
    """What PyTorch computes from the example and the kernel on the page."""
    return call(numbers_of("x")[None], view.numbers("Kernel")[None, None], **options)[0, 0]


@pytest.fixture
def lens(page):
    view = Lens(page)
    view.press("Reset")
    return view


def window(row: int, column: int, height: int = 3, width: int = 3) -> list[list[int]]:
    return [[r, c] for r in range(row, row + height) for c in range(column, column + width)]


def test_pointing_lights_what_an_output_reads_and_what_an_input_feeds(lens, page):
    lens.cell("Output", 1, 2).hover()
    assert lens.marked("Input") == window(1, 2)
    assert lens.marked("Kernel") == window(0, 0)
    products = "1×−1 + 8×0 + 9×1 + 6×−2 + 9×0 + 8×2 + 8×−1 + 7×0 + 9×1 + bias 0 = 13"
    assert lens.text().replace("\n", " ") == f"Output at row 1, column 2 {products}"
    lens.cell("Kernel", 1, 0).hover()  # leaves the output: the selected one is shown again
    assert lens.marked("Kernel", "hit") == lens.marked("Input", "hit") == [[1, 0]]
    assert lens.root.locator(".cb-term.cb-hit").inner_text() == "0×−2"
    lens.cell("Input", 1, 1).hover()
    assert lens.marked("Output") == lens.marked("Kernel") == window(0, 0, 2, 2)
    lens.says("Input 1 at row 1, column 1 feeds 4 outputs", "(0, 0): 1×0", "(1, 1): 1×−1")
    lens.cell("Output", 2, 3).click()
    lens.control("Stride").hover()
    lens.says("Output at row 2, column 3")
    assert get(page, "lens.selected") == "['output', 0, 2, 3]"
    lens.cell("Output", 1, 2).tap()
    lens.says("= 13")
    lens.cell("Input", 1, 1).tap()
    lens.says("feeds 4 outputs")


def test_keys_move_over_the_grids_of_one_tab_stop_each(lens, page):
    command(page, "notebook:enter-command-mode")  # in which arrows move from cell to cell
    lens.cell("Output", 0, 0).focus()
    page.keyboard.press("ArrowRight")
    for key, place in [("ArrowDown", (1, 1)), ("End", (1, 4)), ("PageDown", (3, 4)),
                       ("Home", (3, 0)), ("PageUp", (0, 0))]:  # fmt: skip
        page.keyboard.press(key)
        lens.says("Output at row {}, column {}".format(*place))
        assert lens.marked("Input") == window(*place)
    lens.cell("Input", 0, 0).focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    lens.says("Input 0 at row 1, column 0 feeds 2 outputs")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel").startswith("Kernel, weight")
    page.keyboard.press("Tab")
    assert lens.grid("Output").evaluate("(grid) => grid.contains(document.activeElement)")
    assert lens.root.locator(".cb-grid [tabindex='0']").count() == 3


@pytest.mark.parametrize("call", [F.conv2d, F.conv_transpose2d])
def test_sliders_together_give_what_pytorch_gives(lens, call):
    """Also where the kernel does not fit: a sentence stands in place of the output."""
    lens.control("Transposed").set_checked(call == F.conv_transpose2d)
    for values in [(2, 3, 3, 1), (5, 1, 0, 3), (5, 3, 3, 1)]:
        lens.set(**dict(zip(SETTINGS, values, strict=True)))
        options = dict(zip(SETTINGS[1:], values[1:], strict=True))
        try:
            wanted = convolve(lens, call, **options)
        except RuntimeError:
            assert lens.numbers() is None
            assert "There is no output" in lens.root.get_by_role("alert").inner_text()
        else:
            assert torch.equal(lens.numbers(), wanted)


def test_what_does_not_fit_is_crossed_out_and_padding_hatched(lens):
    lens.set(kernel_size=2, stride=2)
    size = "Width: (7 + 2 · 0 − 2) / 2 = 2.5 → floor 2, + 1 = 3 outputs; column 6 is never seen"
    assert size in lens.root.locator(".cb-sizes").inner_text()
    crossed = lens.grid("Input").locator("[data-kind~=unseen]")
    assert crossed.count() == 6
    crossed.first.hover()
    lens.says("feeds no output: no window sees it")
    lens.press("Reset")
    lens.set(padding=1)
    assert lens.grid("Input").locator("[data-kind~=padding]").count() == 8 * 9 - 6 * 7
    lens.cell("Output", 0, 0).hover()
    assert lens.root.locator(".cb-term.cb-padding").count() == 5
    lens.cell("Input", 0, 2).hover()
    lens.says("Padding, always 0, at row −1, column 1 feeds 3 outputs")


def test_a_typed_weight_counts_at_once_and_nonsense_is_refused(lens, page):
    field = lens.control("Kernel, weight at row 0, column 1")
    field.click()
    page.keyboard.type("-1.5")
    assert lens.numbers("Kernel")[0].tolist() == [-1, -1.5, 1]
    assert torch.equal(lens.numbers(), convolve(lens))
    assert lens.control("Kernel").input_value() == "custom"
    lens.says("1×−1 + 0×−1.5")
    page.keyboard.press("ArrowLeft")  # moves the caret
    page.keyboard.type("2")
    assert field.input_value() == "-1.25"
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    refusal = lens.root.locator("p[role=alert]")
    said = "“two” is no number from −1000 to 1000: the kernel keeps −1.25."
    assert said in refusal.inner_text()
    assert field.get_attribute("aria-invalid") == "true"
    page.keyboard.press("ArrowDown")
    assert field.input_value() == "−1.25"
    page.keyboard.type("1/4")
    assert refusal.is_hidden()
    assert get(page, "lens.kernel[0][:2]") == "[[-1.0, -1.25, 1.0], [-2.0, 0.25, 2.0]]"
    assert float(get(page, "lens.output[0, 0, 0].item()")) == lens.numbers()[0, 0]


def test_every_preset_and_python_leads_too(lens, page):
    def shows(name: str) -> None:
        wanted = F.conv2d(numbers_of("x")[None], numbers_of(name)[None])[0, 0]
        torch.testing.assert_close(lens.numbers(), wanted, rtol=0, atol=0.005 + 1e-9)

    for name in PRESETS:
        lens.control("Kernel").select_option(name)
        shows(name)
    assert lens.control("Kernel").locator("option").all_inner_texts() == list(PRESETS)
    lens.set(stride=2)
    run_in_kernel(page, "lens.stride, lens.kernel = 1, 'Laplacian'")
    expect(lens.control("Kernel")).to_have_value("Laplacian")
    shows("Laplacian")


def test_play_pause_and_step(lens, page):
    def index():
        row, column = map(int, re.search(r"row (\d), column (\d)", lens.text()).groups())
        return row * 5 + column

    lens.press("Play")
    lens.root.locator(".cb-heading", has_text="row 0, column 2").wait_for()
    lens.press("Pause")
    paused = index()
    page.wait_for_timeout(900)
    assert index() == paused
    for step in range(1, 22):
        lens.press("Step")
        assert index() == (paused + step) % 20
    row, column = divmod(index(), 5)
    assert get(page, "lens.selected") == f"['output', 0, {row}, {column}]"


def test_transposed_stamps_the_kernel(lens):
    lens.control("Transposed").check()
    lens.set(stride=2, padding=1)
    lens.cell("Input", 0, 0).hover()
    assert lens.marked("Output") == window(0, 0)
    lens.says("added to 4 outputs; 5 products fall into the padding that is cut off")
    lens.cell("Output", 2, 2).hover()
    assert lens.marked("Input") == window(0, 0, 2, 2)
    assert as_number(re.search(r"= (−?\d+)$", lens.text())[1]) == lens.numbers()[1, 1]


def test_groups_split_the_channels(page):
    view = Lens(page, 1)
    x = torch.stack([view.numbers(f"Input, channel {c}") for c in (0, 1)])[None]
    sharpen = torch.tensor([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]).double()
    together = F.conv2d(x, sharpen.expand(1, 2, 3, 3), padding=1) + 2
    assert torch.equal(view.numbers(), together[0, 0])
    view.cell("Output", 1, 1).hover()
    assert len(view.marked("Input, channel 0")) == len(view.marked("Input, channel 1")) == 9
    lines = r"channel 0: .* = −3\nchannel 1: .* = −10\ntogether: .*bias 2 = −11"
    assert re.search(lines, view.text())
    view.control("Groups").select_option("2")
    apart = F.conv2d(x, sharpen.expand(2, 1, 3, 3), padding=1, groups=2)[0] + 2
    for plane in (0, 1):
        assert torch.equal(view.numbers(f"Output {plane}"), apart[plane])
    view.cell("Output 1", 0, 0).hover()
    assert [len(view.marked(f"Input, channel {c}")) for c in (0, 1)] == [0, 9]


def test_the_largest_settings_have_no_serious_fault_in_a_narrow_dark_page(lens, page):
    wide = page.viewport_size
    page.set_viewport_size({"width": 640, "height": 480})
    use_dark_theme(page)
    lens.set(kernel_size=5, stride=3, padding=3, dilation=3)
    assert find_axe_faults(page) == []
    controls = "(root) => root.querySelector('.cb-controls').scrollWidth > root.clientWidth"
    assert not lens.root.evaluate(controls)
    use_dark_theme(page, False)
    page.set_viewport_size(wide)


def test_the_page_goes_on_without_errors_after_a_restart(lens, page):
    ask(page, "restart")
    lens.set(stride=2)
    lens.cell("Output", 0, 1).hover()
    lens.says("row 0, column 1")
    run_all(page)
    lens.cell("Output", 1, 2).hover()
    lens.says("= 13")
