"""The convolution lens in JupyterLab, driven by mouse, keyboard and touch."""

from __future__ import annotations

import itertools
import re

import pytest
import torch
import torch.nn.functional as F
from driving import command, find_axe_faults, run_all, run_in_kernel, use_dark_theme

from cnn_basics import widgets

SET_UP = "import torch\nfrom cnn_basics import widgets"
ONE = "lens = widgets.convolution_lens()\nlens"
TWO = """
x = torch.tensor([
    [[1, 2, 0, 3], [4, 1, 0, 2], [2, 2, 5, 1]],
    [[0, 1, 1, 0], [3, 0, 2, 2], [1, 4, 0, 1]],
])
two = widgets.convolution_lens(x, "sharpen", padding=1, bias=2)
two
"""
RANGES = {"Kernel size": (1, 5), "Stride": (1, 3), "Padding": (0, 3), "Dilation": (1, 3)}
COMMS = "import comm; print(len(comm.get_comm_manager().comms))"


@pytest.fixture(scope="module")
def page(open_notebook):
    opened = open_notebook(SET_UP, ONE, TWO, "lens")
    opened.locator(".cb-stage").nth(2).wait_for()
    return opened


class Lens:
    """One view of a lens on the page."""

    def __init__(self, page, index: int = 0) -> None:
        self.page = page
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

    def sizes(self) -> str:
        return self.root.locator(".cb-sizes").inner_text()

    def slider(self, name: str):
        return self.root.get_by_label(name, exact=True)

    def set(self, name: str, value: int) -> None:
        """Move a slider by arrow keys."""
        slider = self.slider(name)
        slider.focus()
        steps = value - int(slider.input_value())
        for _ in range(abs(steps)):
            self.page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
        assert slider.input_value() == str(value)

    def reset(self) -> None:
        self.root.get_by_role("button", name="Reset").click()


def as_number(text: str) -> float:
    return float(text.replace("−", "-"))


def sobel_sample() -> tuple[torch.Tensor, torch.Tensor]:
    lens = widgets.convolution_lens()
    return torch.tensor(lens.x, dtype=torch.float64), torch.tensor(lens.kernel, dtype=torch.float64)


def same(shown: torch.Tensor | None, call, x: torch.Tensor, weight: torch.Tensor, options) -> bool:
    """Whether the page shows what PyTorch computes, or nothing where PyTorch refuses."""
    try:
        wanted = call(x[None], weight, **options)[0, 0]
    except RuntimeError:
        return shown is None
    return shown is not None and torch.equal(shown, wanted)


@pytest.fixture
def lens(page):
    view = Lens(page)
    view.reset()
    return view


def test_hovering_an_output_lights_its_window_and_writes_the_products(lens, faults):
    lens.cell("Output", 1, 2).hover()
    assert lens.marked("Input") == [[r, c] for r in (1, 2, 3) for c in (2, 3, 4)]
    assert lens.marked("Kernel") == [[r, c] for r in range(3) for c in range(3)]
    products = "1×−1 + 8×0 + 9×1 + 6×−2 + 9×0 + 8×2 + 8×−1 + 7×0 + 9×1 + bias 0 = 13"
    assert lens.text().replace("\n", " ") == f"Output at row 1, column 2 {products}"
    lens.cell("Kernel", 1, 0).hover()  # leaves the output: the selected one is shown again
    assert lens.marked("Kernel", "hit") == [[1, 0]]
    assert lens.marked("Input", "hit") == [[1, 0]]
    assert lens.root.locator(".cb-term.cb-hit").inner_text() == "0×−2"


def test_hovering_an_input_lights_every_output_that_it_feeds(lens, faults):
    lens.cell("Input", 1, 1).hover()
    assert lens.marked("Output") == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert lens.marked("Kernel") == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert "Input 1 at row 1, column 1 feeds 4 outputs" in lens.text()
    assert "(0, 0): 1×0" in lens.text()
    assert "(1, 1): 1×−1" in lens.text()


def test_arrow_keys_move_over_outputs_and_inputs_and_escape_leaves(lens, page, faults):
    command(page, "notebook:enter-command-mode")  # in which arrows move from cell to cell
    lens.cell("Output", 0, 0).focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    assert "Output at row 2, column 1" in lens.text()
    assert lens.marked("Input") == [[r, c] for r in (2, 3, 4) for c in (1, 2, 3)]
    for key, place in [("End", (2, 4)), ("PageDown", (3, 4)), ("Home", (3, 0)), ("PageUp", (0, 0))]:
        page.keyboard.press(key)
        assert "Output at row {}, column {}".format(*place) in lens.text()
    lens.cell("Input", 0, 0).focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    assert "Input 0 at row 1, column 0 feeds 2 outputs" in lens.text()
    page.keyboard.press("Escape")
    assert lens.root.evaluate("(root) => document.activeElement === root")


def test_one_tab_stop_for_each_grid(lens, page, faults):
    stops = ".cb-grid [tabindex='0']"
    assert lens.root.locator(stops).count() == 3
    lens.cell("Input", 0, 0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel").startswith("Kernel, weight")
    page.keyboard.press("Tab")
    assert lens.grid("Output").evaluate("(grid) => grid.contains(document.activeElement)")
    assert lens.root.locator(stops).count() == 3


def test_a_click_selects_and_python_sees_it(lens, page, faults):
    lens.cell("Output", 2, 3).click()
    lens.slider("Stride").hover()
    assert "Output at row 2, column 3" in lens.text()
    assert run_in_kernel(page, "print(lens.selected)").strip() == "['output', 0, 2, 3]"


@pytest.mark.parametrize("name", list(RANGES))
def test_every_slider_by_keyboard_and_by_mouse_equals_pytorch(lens, page, faults, name):
    low, high = RANGES[name]
    argument = {"Stride": "stride", "Padding": "padding", "Dilation": "dilation"}.get(name)
    seen = {}
    for value in range(low, high + 1):
        lens.set(name, value)
        seen[value] = lens.numbers()
        x, _ = sobel_sample()
        weight = lens.numbers("Kernel")[None, None]
        options = {argument: value} if argument else {}
        assert same(seen[value], F.conv2d, x, weight, options)
    box = lens.slider(name).bounding_box()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    got = []
    for step in range(40, -1, -1):
        page.mouse.move(box["x"] + 2 + (box["width"] - 4) * step / 40, box["y"] + 5)
        value = int(lens.slider(name).input_value())
        got.append(value)
        if name != "Kernel size":  # there, numbers cut off at the border do not come back
            now = lens.numbers()
            assert (now is None) == (seen[value] is None)
            assert now is None or torch.equal(now, seen[value])
    page.mouse.up()
    assert sorted(set(got)) == list(range(low, high + 1))


def test_settings_together_equal_pytorch_whatever_they_are(lens, faults):
    """Also where the kernel does not fit: then a sentence stands in place of the output."""
    x, _ = sobel_sample()
    refused, before = 0, {}
    for transposed in (False, True):
        lens.root.get_by_label("Transposed").set_checked(transposed)
        for values in itertools.product((2, 5), (1, 3), (0, 3), (1, 3)):
            wanted = dict(zip(RANGES, values, strict=True))
            for name in wanted.keys() - {n for n in before if before[n] == wanted[n]}:
                lens.set(name, wanted[name])
            before = wanted
            options = dict(zip(("stride", "padding", "dilation"), values[1:], strict=True))
            weight = lens.numbers("Kernel")[None, None]
            call = F.conv_transpose2d if transposed else F.conv2d
            shown = lens.numbers()
            assert same(shown, call, x, weight, options), values
            if shown is None:
                refused += 1
                assert "There is no output" in lens.root.get_by_role("alert").inner_text()
    assert 4 <= refused <= 20


def test_what_does_not_fit_is_floored_and_crossed_out(lens, faults):
    lens.set("Kernel size", 2)
    lens.set("Stride", 2)
    assert (
        "Width: (7 + 2 · 0 − 2) / 2 = 2.5 → floor 2, + 1 = 3 outputs; column 6 is never seen"
        in (lens.sizes())
    )
    crossed = lens.grid("Input").locator("[data-kind~=unseen]")
    assert crossed.count() == 6
    crossed.first.hover()
    assert "feeds no output: no window sees it" in lens.text()


def test_padding_is_marked_in_the_grid_and_in_the_sum(lens, faults):
    lens.set("Padding", 1)
    assert lens.grid("Input").locator("[data-kind~=padding]").count() == 8 * 9 - 6 * 7
    lens.cell("Output", 0, 0).hover()
    assert lens.root.locator(".cb-term.cb-padding").count() == 5
    lens.cell("Input", 0, 2).hover()
    assert "Padding, always 0, at row −1, column 1 feeds 3 outputs" in lens.text()


def test_a_typed_weight_counts_at_once_and_nonsense_is_refused(lens, page, faults):
    x, kernel = sobel_sample()
    field = lens.root.get_by_label("Kernel, weight at row 0, column 1")
    field.click()
    page.keyboard.type("-1.5")
    kernel[0, 0, 1] = -1.5
    assert torch.equal(lens.numbers(), F.conv2d(x[None], kernel[None])[0, 0])
    assert lens.root.get_by_label("Kernel", exact=True).input_value() == "custom"
    assert "1×−1 + 0×−1.5" in lens.text()
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    refusal = lens.root.locator("p[role=alert]")
    assert "“two” is no number from −1000 to 1000: the kernel keeps −1.5." in refusal.inner_text()
    assert field.get_attribute("aria-invalid") == "true"
    assert torch.equal(lens.numbers(), F.conv2d(x[None], kernel[None])[0, 0])
    page.keyboard.press("ArrowDown")
    assert field.input_value() == "−1.5"
    page.keyboard.type("1/4")
    assert refusal.is_hidden()
    assert (
        run_in_kernel(page, "print(lens.kernel[0][:2])").strip()
        == "[[-1.0, -1.5, 1.0], [-2.0, 0.25, 2.0]]"
    )
    assert float(run_in_kernel(page, "print(lens.output[0, 0, 0].item())")) == lens.numbers()[0, 0]


def test_every_preset(lens, faults):
    x, _ = sobel_sample()
    choice = lens.root.get_by_label("Kernel", exact=True)
    for name in widgets.lens.PRESETS:
        choice.select_option(name)
        weight = torch.tensor(widgets.convolution_lens(kernel=name).kernel, dtype=torch.float64)
        wanted = F.conv2d(x[None], weight[None])[0, 0]
        torch.testing.assert_close(lens.numbers(), wanted, rtol=0, atol=0.005 + 1e-9)
    assert choice.locator("option").all_inner_texts() == list(widgets.lens.PRESETS)


def test_play_pause_and_step(lens, page, faults):
    play = lens.root.get_by_role("button", name="Play")
    play.click()
    assert lens.root.get_by_role("button", name="Pause").count() == 1
    lens.root.locator(".cb-heading", has_text="row 0, column 2").wait_for()
    lens.root.get_by_role("button", name="Pause").click()
    paused = lens.text()
    page.wait_for_timeout(900)
    assert lens.text() == paused
    before = run_in_kernel(page, "print(lens.selected)")
    lens.root.get_by_role("button", name="Step").click()
    assert lens.text() != paused
    assert run_in_kernel(page, "print(lens.selected)") != before
    for _ in range(20):
        lens.root.get_by_role("button", name="Step").click()
    row_and_column = re.search(r"row (\d), column (\d)", lens.text()).groups()
    first = re.search(r"row (\d), column (\d)", paused).groups()
    index = int(first[0]) * 5 + int(first[1]) + 21
    assert row_and_column == (str(index % 20 // 5), str(index % 5))


def test_transposed_stamps_the_kernel(lens, faults):
    lens.root.get_by_label("Transposed").check()
    lens.set("Stride", 2)
    lens.set("Padding", 1)
    x, kernel = sobel_sample()
    wanted = F.conv_transpose2d(x[None], kernel[None], stride=2, padding=1)[0, 0]
    assert torch.equal(lens.numbers(), wanted)
    lens.cell("Input", 0, 0).hover()
    assert lens.marked("Output") == [[r, c] for r in range(3) for c in range(3)]
    assert "added to 4 outputs; 5 products fall into the padding that is cut off" in lens.text()
    lens.cell("Output", 2, 2).hover()
    assert lens.marked("Input") == [[0, 0], [0, 1], [1, 0], [1, 1]]
    total = re.search(r"= (−?\d+)$", lens.text())[1]
    assert as_number(total) == wanted[1, 1]


def test_groups_split_the_channels(page, faults):
    view = Lens(page, 1)
    view.reset()
    x = torch.tensor(
        [
            [[1, 2, 0, 3], [4, 1, 0, 2], [2, 2, 5, 1]],
            [[0, 1, 1, 0], [3, 0, 2, 2], [1, 4, 0, 1]],
        ]
    ).double()
    sharpen = torch.tensor([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]).double()
    together = F.conv2d(x[None], sharpen.expand(1, 2, 3, 3), padding=1) + 2
    assert torch.equal(view.numbers(), together[0, 0])
    view.cell("Output", 1, 1).hover()
    assert len(view.marked("Input, channel 0")) == len(view.marked("Input, channel 1")) == 9
    assert re.search(
        r"channel 0: .* = −3\nchannel 1: .* = −10\ntogether: .*bias 2 = −11", view.text()
    )
    view.root.get_by_label("Groups").select_option("2")
    apart = F.conv2d(x[None], sharpen.expand(2, 1, 3, 3), padding=1, groups=2)[0] + 2
    assert torch.equal(view.numbers("Output 0"), apart[0])
    assert torch.equal(view.numbers("Output 1"), apart[1])
    view.cell("Output 1", 0, 0).hover()
    assert view.marked("Input, channel 0") == []
    assert len(view.marked("Input, channel 1")) == 9
    view.reset()


def test_two_views_and_python_stay_in_step(lens, page, faults):
    other = Lens(page, 2)
    lens.set("Stride", 2)
    other.root.get_by_label("Kernel", exact=True).select_option("emboss")
    assert other.slider("Stride").input_value() == "2"
    assert torch.equal(lens.numbers(), other.numbers())
    run_in_kernel(page, "lens.stride, lens.kernel = 1, 'Laplacian'")
    lens.root.locator("option:checked", has_text="Laplacian").wait_for(state="attached")
    x, _ = sobel_sample()
    weight = torch.tensor(widgets.convolution_lens(kernel="Laplacian").kernel).double()
    assert torch.equal(lens.numbers(), F.conv2d(x[None], weight[None])[0, 0])
    assert torch.equal(lens.numbers(), other.numbers())


@pytest.fixture(scope="module")
def small_page(open_notebook):
    """A page for a finger, of a reader who asked for less motion."""
    opened = open_notebook(SET_UP, ONE, has_touch=True, reduced_motion="reduce")
    opened.locator(".cb-stage").wait_for()
    return opened


def test_touch(small_page, faults):
    view = Lens(small_page)
    view.cell("Output", 1, 2).tap()
    assert "= 13" in view.text()
    view.cell("Input", 1, 1).tap()
    assert "feeds 4 outputs" in view.text()


def test_less_motion(small_page, faults):
    view = Lens(small_page)
    view.reset()
    assert view.root.get_by_role("button", name="Play").is_disabled()
    view.root.get_by_role("button", name="Step").click()
    assert "row 0, column 1" in view.text()


def test_running_a_cell_again_leaves_nothing_behind(small_page, faults):
    """Counted: the kernel's comms, and the views and style sheets in the page."""
    count = "() => ['.cb-stage', 'style'].map((name) => document.querySelectorAll(name).length)"
    run_all(small_page)
    before = run_in_kernel(small_page, COMMS), small_page.evaluate(count)
    for _ in range(10):
        run_all(small_page)
    assert (run_in_kernel(small_page, COMMS), small_page.evaluate(count)) == before
    Lens(small_page).cell("Output", 1, 2).hover()
    assert "= 13" in Lens(small_page).text()


def test_after_a_restart_the_page_goes_on_without_errors(small_page, faults):
    view = Lens(small_page)
    restart = "() => jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()"
    small_page.evaluate(restart)
    view.set("Stride", 2)
    view.cell("Output", 0, 1).hover()
    assert "row 0, column 1" in view.text()
    run_all(small_page)
    view.cell("Output", 1, 2).hover()
    assert "= 13" in view.text()


def test_no_serious_fault_in_either_theme_and_readable_at_twice_the_size(page, faults):
    """A window of half the size is what a browser at 200 % lays out."""
    outputs = ".jp-OutputArea-output"
    page.set_viewport_size({"width": 640, "height": 480})
    Lens(page).reset()
    assert find_axe_faults(page, outputs) == []
    use_dark_theme(page)
    assert find_axe_faults(page, outputs) == []
    for name in RANGES:
        Lens(page).set(name, RANGES[name][1])
    assert find_axe_faults(page, outputs) == []
    wide = "(root) => root.querySelector('.cb-controls').scrollWidth > root.clientWidth"
    assert not Lens(page).root.evaluate(wide)
