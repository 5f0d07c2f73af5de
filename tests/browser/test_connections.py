"""The connections explorer in JupyterLab: what lights up, what is counted, by mouse and by keys."""

import pytest
import torch
import torch.nn.functional as F
from driving import find_axe_faults, run_all, run_in_kernel, use_dark_theme
from playwright.sync_api import expect

CELLS = ("from cnn_basics import widgets", "w = widgets.connections_explorer(6)\nw")


@pytest.fixture(scope="module")
def notebook(open_notebook):
    return open_notebook(*CELLS, run=False)


@pytest.fixture
def page(notebook):
    """The widget as it is at first: its cell run again."""
    notebook.mouse.move(2, 2)
    run_all(notebook)
    notebook.wait_for_selector(".cb-connections .cb-table tbody tr")
    return notebook


def side(page, name):
    return page.locator(f"section[aria-label='{name}']")


def cell(page, name, which, row, column):
    grid = side(page, name).locator(f"[role=grid][aria-label^='{which}']")
    return grid.locator(f"[data-place='{row} {column}']")


def lit(page, name, which="input"):
    grid = side(page, name).locator(f"[role=grid][aria-label^='{which}']")
    cells = grid.locator(".cb-lit")
    places = cells.evaluate_all("cells => cells.map(c => c.dataset.place.split(' ').map(Number))")
    return {tuple(place) for place in places}


def read_by(size, kernel_size, unit):
    """The inputs that an output of F.conv2d depends on, as autograd sees them."""
    x = torch.ones(1, 1, size, size, requires_grad=True)
    F.conv2d(x, torch.ones(1, 1, kernel_size, kernel_size))[0, 0][unit].backward()
    return {tuple(place) for place in x.grad[0, 0].nonzero().tolist()}


def everything(size):
    return {(row, column) for row in range(size) for column in range(size)}


def sentence(page, name):
    return side(page, name).locator(".cb-live")


def test_a_click_lights_what_the_output_reads(page, faults):
    cell(page, "Convolution", "output", 3, 0).click()
    assert lit(page, "Convolution") == read_by(6, 3, (3, 0))
    assert lit(page, "Fully connected") == everything(6)
    expect(sentence(page, "Convolution")).to_have_text(
        "Output (3, 0) reads 9 of 36 inputs, with the weights a to i, the same for every output."
    )
    expect(sentence(page, "Fully connected")).to_have_text(
        "Output (3, 0) reads all 36 inputs, with its own weights 433 to 468; "
        "no other output uses them."
    )
    expect(cell(page, "Convolution", "input", 5, 2)).to_have_text("i")
    expect(cell(page, "Fully connected", "input", 5, 5)).to_have_text("468")
    assert run_in_kernel(page, "print(w.unit)").strip() == "[3, 0]"


def test_the_pointer_lights_without_a_click_and_leaves_no_trace(page, faults):
    cell(page, "Fully connected", "output", 0, 0).hover()
    assert lit(page, "Convolution") == read_by(6, 3, (0, 0))
    page.mouse.move(2, 2)
    page.get_by_label("kernel size").hover()
    assert lit(page, "Convolution") == read_by(6, 3, (1, 2))


def test_an_input_lights_the_outputs_it_feeds(page, faults):
    cell(page, "Convolution", "input", 0, 1).click()
    fed = {u for u in everything(4) if (0, 1) in read_by(6, 3, u)}
    assert lit(page, "Convolution", "output") == fed
    assert lit(page, "Fully connected", "output") == everything(4)
    expect(sentence(page, "Convolution")).to_have_text(
        "Input (0, 1) feeds 2 of 16 outputs of a map."
    )


def test_keys_walk_over_every_output(page, faults):
    cell(page, "Convolution", "output", 1, 2).focus()
    page.keyboard.press("Control+Home")
    assert lit(page, "Convolution") == read_by(6, 3, (0, 0))
    for row in range(4):
        key = "ArrowRight" if row % 2 == 0 else "ArrowLeft"
        for _ in range(3):
            page.keyboard.press(key)
        unit = (row, 3 if row % 2 == 0 else 0)
        assert lit(page, "Convolution") == read_by(6, 3, unit)
        page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert lit(page, "Convolution") == read_by(6, 3, (3, 3))
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.cb-panel')") is None


def test_sliders_over_their_range_by_keys(page, faults):
    """At each setting the page's table holds what the kernel counted."""
    page.get_by_label("input size").focus()
    page.keyboard.press("Home")
    for size in range(4, 13):
        head = page.locator(".cb-connections tbody th").first
        expect(head).to_have_text(f"{size}×{size}")
        assert lit(page, "Fully connected") == everything(size)
        page.keyboard.press("ArrowRight")
    for kernels in range(1, 9):
        counts = f"w.counts['12 3 {kernels}']"
        row = page.locator(".cb-connections tbody tr").first.locator("td")
        expect(row.nth(2)).to_have_text(f"{9 * kernels} + {kernels} = {10 * kernels}")
        shown = row.nth(4).inner_text().replace(",", "")
        assert run_in_kernel(page, f"print({counts}['connections'])").strip() == shown
        page.get_by_label("kernels (output maps)").press("ArrowRight")
    expect(page.get_by_text("nn.Conv2d(1, 8, kernel_size=3)")).to_be_visible()
    page.get_by_label("kernel size").press("End")
    expect(page.get_by_text("nn.Linear(144, 512)")).to_be_visible()
    page.get_by_label("input size").press("Home")
    expect(page.get_by_text("nn.Conv2d(1, 8, kernel_size=4)")).to_be_visible()
    assert run_in_kernel(page, "print(w.size, w.kernel_size, w.unit)").strip() == "4 4 [0, 0]"


def test_sliders_by_mouse_and_from_python(page, faults):
    box = page.get_by_label("input size").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    expect(side(page, "Convolution").get_by_role("grid").first).to_have_attribute(
        "aria-label", "input 12×12, 12 rows, 12 columns"
    )
    run_in_kernel(page, "w.kernel_size = 2; w.unit = [4, 5]")
    expect(sentence(page, "Convolution")).to_contain_text("Output (4, 5) reads 4 of 144 inputs")
    assert lit(page, "Convolution") == read_by(12, 2, (4, 5))
    run_in_kernel(page, "w.kernel_size = 5; w.size = 4")
    expect(page.get_by_text("nn.Conv2d(1, 1, kernel_size=4)")).to_be_visible()


def test_no_serious_fault_light_dark_or_narrow(page, faults):
    assert find_axe_faults(page, ".cb-connections") == []
    use_dark_theme(page)
    assert find_axe_faults(page, ".cb-connections") == []
    page.set_viewport_size({"width": 600, "height": 450})  # as at 200 % zoom
    assert find_axe_faults(page, ".cb-connections") == []
    wide = "e => e.scrollWidth <= e.clientWidth + 1"
    assert page.locator(".cb-connections").evaluate(wide)
