"""The connections explorer in JupyterLab: what lights up, what is counted, by mouse and by keys."""

import torch
import torch.nn.functional as F
from driving import click_at, control, get, press, run_in_kernel
from playwright.sync_api import expect
from torch import nn

CELLS = ("from cnn_basics import widgets", "w = widgets.connections_explorer(6)\nw")
FULL, CONV = "Fully connected", "Convolution"


def side(page, name):
    return page.locator(f"section[aria-label='{name}']")


def grid(page, name, which):
    return side(page, name).locator(f"[role=grid][aria-label^='{which}']")


def cell(page, name, which, row, column):
    return grid(page, name, which).locator(f"[data-place='{row} {column}']")


def lit(page, name, which="input"):
    read = "cells => cells.map(c => c.dataset.place.split(' ').map(Number))"
    return {tuple(place) for place in grid(page, name, which).locator(".cb-lit").evaluate_all(read)}


def read_by(size, kernel_size, unit):
    """The inputs that an output of F.conv2d depends on, as autograd sees them."""
    x = torch.ones(1, 1, size, size, requires_grad=True)
    F.conv2d(x, torch.ones(1, 1, kernel_size, kernel_size))[0, 0][unit].backward()
    return {tuple(place) for place in x.grad[0, 0].nonzero().tolist()}


def everything(size):
    return {(row, column) for row in range(size) for column in range(size)}


def says(page, name, sentence):
    expect(side(page, name).locator(".cb-live")).to_have_text(sentence)


def test_outputs_light_what_they_read_and_inputs_what_they_feed(page, fresh):
    cell(page, CONV, "output", 3, 0).click()
    assert lit(page, CONV) == read_by(6, 3, (3, 0))
    assert lit(page, FULL) == everything(6)
    reads = "Output (3, 0) reads"
    says(page, CONV, f"{reads} 9 of 36 inputs, with the weights a to i, the same for every output.")
    own = "its own weights 433 to 468; no other output uses them."
    says(page, FULL, f"{reads} all 36 inputs, with {own}")
    expect(cell(page, CONV, "input", 5, 2)).to_have_text("i")
    expect(cell(page, FULL, "input", 5, 5)).to_have_text("468")
    assert get(page, "w.unit") == "[3, 0]"
    cell(page, FULL, "output", 0, 0).hover()
    assert lit(page, CONV) == read_by(6, 3, (0, 0))
    control(page, "kernel size").hover()  # pointing leaves no trace
    assert lit(page, CONV) == read_by(6, 3, (3, 0))
    cell(page, CONV, "input", 0, 1).click()
    assert lit(page, CONV, "output") == {u for u in everything(4) if (0, 1) in read_by(6, 3, u)}
    assert lit(page, FULL, "output") == everything(4)
    says(page, CONV, "Input (0, 1) feeds 2 of 16 outputs of a map.")
    says(page, FULL, "Input (0, 1) feeds all 16 outputs of a map.")


def test_keys_walk_over_the_outputs(page, fresh):
    cell(page, CONV, "output", 1, 2).focus()
    for keys, place in [
        ("Control+Home", (0, 0)),
        ("ArrowRight ArrowRight ArrowRight ArrowRight", (0, 3)),
        ("ArrowDown ArrowLeft", (1, 2)),
        ("PageDown End", (3, 3)),
    ]:
        for key in keys.split():
            page.keyboard.press(key)
        assert lit(page, CONV) == read_by(6, 3, place)


def check_table(page, size, kernel_size, kernels):
    """Each row of the table counts as PyTorch's own layers do."""
    for row, side_of in enumerate((size, 28, 224)):
        with torch.device("meta"):
            conv = nn.Conv2d(1, kernels, kernel_size)
            outputs = conv(torch.zeros(1, 1, side_of, side_of)).numel()
            full = nn.Linear(side_of * side_of, outputs)
        both = [[part.numel() for part in layer.parameters()] for layer in (full, conv)]
        sums = [f"{weights:,} + {biases:,} = {weights + biases:,}" for weights, biases in both]
        times = f"{round(sum(both[0]) / sum(both[1])):,}×"
        counts = [f"{outputs:,}", *sums, times, f"{outputs * kernel_size**2:,}"]
        shown = page.locator(".cb-connections tbody tr").nth(row)
        expect(shown.locator("th")).to_have_text(f"{side_of}×{side_of}")
        assert shown.locator("td").all_inner_texts() == counts


def test_sliders_over_their_range_by_keys_mouse_and_from_python(page, fresh):
    press(page, "input size", "Home")
    for size in range(4, 13):
        check_table(page, size, 3, 1)
        assert lit(page, FULL) == everything(size)
        press(page, "input size", "ArrowRight")
    for kernels in range(1, 9):
        check_table(page, 12, 3, kernels)
        press(page, "kernels (output maps)", "ArrowRight")
    press(page, "kernel size", "Home")
    for kernel_size in range(1, 6):
        check_table(page, 12, kernel_size, 8)
        assert lit(page, CONV) == read_by(12, kernel_size, (1, 1))
        press(page, "kernel size", "ArrowRight")
    expect(page.get_by_text("nn.Linear(144, 512)")).to_be_visible()
    click_at(page, "input size", 0.01)
    expect(page.get_by_text("nn.Conv2d(1, 8, kernel_size=4)")).to_be_visible()
    check_table(page, 4, 4, 8)
    assert get(page, "w.size, w.kernel_size, w.unit") == "4 4 [0, 0]"
    run_in_kernel(page, "w.size = 12; w.kernel_size = 2; w.unit = [4, 5]")
    expect(side(page, CONV).locator(".cb-live")).to_contain_text("(4, 5) reads 4 of 144 inputs")
    assert lit(page, CONV) == read_by(12, 2, (4, 5))
