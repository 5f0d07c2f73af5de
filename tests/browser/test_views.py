"""The view explorer in JupyterLab: elements light up where PyTorch has them."""

import itertools
import math

import pytest
import torch
from driving import choose, control, find_axe_faults, get, press, run_in_kernel
from playwright.sync_api import expect

CELLS = ("from cnn_basics import widgets", "w = widgets.view_explorer(12)\nw")


@pytest.fixture(autouse=True)
def at_start(page, fresh):
    lights(page, 6)


def shape_cell(page, row, column):
    grid = page.locator(".cb-tensor [role=grid][aria-label^='y,']")
    return grid.locator(f"[data-place='{row} {column}']")


def memory_cell(page, place):
    return page.locator(".cb-views [role=grid]").first.locator(f"[data-place='0 {place}']")


def numbers(page, cells):
    return [int(text) for text in page.locator(cells).all_inner_texts()]


def lights(page, place, words=""):
    """This place is marked in memory and in the shape, and the words are said of it."""
    expect(page.locator(".cb-views .cb-active")).to_have_text([str(place)] * 2)
    expect(page.locator(".cb-place")).to_contain_text(words)


def show(page, shape, order):
    """Choose shape and order; return PyTorch's tensor, which the page agrees with."""
    choose(page, "axes", str(len(shape)))
    choose(page, "shape", str(tuple(shape)))
    if list(order) != sorted(order):
        choose(page, "order of the axes", f"permute({', '.join(map(str, order))})")
    y = torch.arange(12).view(shape).permute(order)
    facts = page.locator(".cb-facts")
    expect(facts).to_contain_text(f"shape {tuple(y.shape)}, strides {y.stride()}")
    expect(facts).to_contain_text("Contiguous" if y.is_contiguous() else "Not contiguous")
    assert numbers(page, ".cb-tensor [role=gridcell]") == y.flatten().tolist()
    return y


def test_pointing_and_clicking_light_both(page):
    shape_cell(page, 2, 1).hover()
    lights(page, 9, "y[2, 1] sits at index · strides: 2·4 + 1·1 = 9.")
    control(page, "axes").hover()
    lights(page, 6)
    memory_cell(page, 4).click()
    lights(page, 4, "y[1, 0] sits at index · strides: 1·4 + 0·1 = 4.")
    assert get(page, "w.element") == "4"


def test_shapes_and_orders_of_every_number_of_axes(page):
    for shape in [(12,), (4, 3), (2, 3, 2), (2, 1, 3, 2)]:
        axes = len(shape)
        for order in list(itertools.permutations(range(axes)))[:: max(1, axes * 2 - 3)]:
            show(page, shape, order)
            lights(page, 6)


def test_keys_walk_through_all_matrices(page):
    y = show(page, (2, 2, 3), (0, 2, 1))
    page.locator(".cb-tensor .cb-active").focus()
    for key, index in [
        ("Control+Home", (1, 0, 0)),
        ("ArrowLeft", (0, 0, 1)),
        ("ArrowDown", (0, 1, 1)),
        ("ArrowRight", (1, 1, 0)),
        ("End", (1, 1, 1)),
        ("ArrowRight", (1, 1, 1)),
        ("PageUp", (0, 1, 1)),
        ("Home", (0, 1, 0)),
        ("PageDown", (1, 1, 0)),
        ("ArrowDown", (1, 2, 0)),
    ]:
        page.keyboard.press(key)
        lights(page, y[index].item())
        label = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert label == f"y[{', '.join(map(str, index))}], number {y[index]}"
    assert page.locator(".cb-tensor [tabindex='0']").count() == 1


def test_keys_walk_along_memory(page):
    y = show(page, (3, 4), (1, 0))
    memory_cell(page, 6).focus()
    page.keyboard.press("Home")
    for place in range(12):
        row, column = (y == place).nonzero()[0].tolist()
        lights(page, place, f"y[{row}, {column}]")
        lights(page, place, f"it is number {row * 3 + column}.")
        page.keyboard.press("ArrowRight")


def test_view_gives_pytorchs_answer(page):
    field, said = control(page, "y.view("), page.locator(".cb-views .cb-live").last
    for typed, words in [
        ("2, 6", "gives shape (2, 6), strides (6, 1), on the same memory"),
        ("5, 3", "RuntimeError: shape '[5, 3]' is invalid for input of size 12"),
        ("two", "expected whole numbers with commas between them, got 'two'"),
    ]:
        field.fill(typed)
        expect(said).to_contain_text(words)
    field.fill("")
    field.press_sequentially("-1")
    press(page, "order of the axes", "End")
    with pytest.raises(RuntimeError) as caught:
        torch.arange(12).view(3, 4).permute(1, 0).view(-1)
    expect(said).to_contain_text(f"RuntimeError: {caught.value}")
    expect(said).to_contain_text("y.reshape(-1) copies the numbers first: [0, 4, 8, 1,")
    assert find_axe_faults(page, ".cb-views") == []


def test_lists_by_keys_and_from_python(page):
    press(page, "axes", "End")
    shapes, orders = control(page, "shape"), control(page, "order of the axes")
    every = itertools.product(range(1, 13), repeat=4)
    legal = [str(shape) for shape in every if math.prod(shape) == 12]
    assert shapes.locator("option").all_inner_texts() == legal
    assert orders.locator("option").count() == 24
    for key, shape in (("Home", "(1, 1, 1, 12)"), ("End", "(12, 1, 1, 1)")):
        shapes.press(key)
        expect(page.locator(".cb-facts")).to_contain_text(f"shape {shape}")
    assert page.locator(".cb-tensor [role=grid]").count() == 12
    state = "w.shape = [6, 2]; w.permutation = [1, 0]; w.target = '3, 4'; w.element = 5"
    run_in_kernel(page, state)
    expect(shapes).to_have_value("(6, 2)")
    expect(orders).to_have_value("permute(1, 0)")
    expect(control(page, "y.view(")).to_have_value("3, 4")
    lights(page, 5, "y[1, 2] sits at index · strides: 1·1 + 2·2 = 5.")
