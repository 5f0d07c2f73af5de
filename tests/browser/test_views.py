"""The view explorer in JupyterLab: elements light up where PyTorch has them."""

import itertools
import math

import pytest
import torch
from driving import find_axe_faults, run_in_kernel
from playwright.sync_api import expect

CELLS = ("from cnn_basics import widgets", "w = widgets.view_explorer(12)\nw")


def shape_cell(page, lead, row, column):
    name = f"y[{', '.join(map(str, lead))}]" if lead else "y"
    grid = page.locator(f".cb-tensor [role=grid][aria-label^='{name},']")
    return grid.locator(f"[data-place='{row} {column}']")


def memory_cell(page, place):
    return page.locator(".cb-views [role=grid]").first.locator(f"[data-place='0 {place}']")


def shown_places(page):
    texts = page.locator(".cb-tensor [role=gridcell]").all_inner_texts()
    return [int(text) for text in texts]


def active(page):
    """What is marked in memory, and what in the shape."""
    cells = page.locator(".cb-views .cb-active").all_inner_texts()
    return [int(text) for text in cells]


def place_line(page):
    return page.locator(".cb-place")


def choose(page, axes, shape, order=None):
    page.get_by_label("axes", exact=True).select_option(str(axes))
    page.get_by_label("shape", exact=True).select_option(str(tuple(shape)))
    if order and list(order) != sorted(order):
        text = f"permute({', '.join(map(str, order))})"
        page.get_by_label("order of the axes").select_option(text)


def test_pointing_and_clicking_light_both(page, fresh):
    shape_cell(page, (), 2, 1).hover()
    assert active(page) == [9, 9]
    expect(place_line(page)).to_contain_text("y[2, 1] sits at index · strides: 2·4 + 1·1 = 9.")
    page.get_by_label("axes", exact=True).hover()
    assert active(page) == [6, 6]
    memory_cell(page, 4).click()
    assert active(page) == [4, 4]
    expect(place_line(page)).to_contain_text("y[1, 0] sits at index · strides: 1·4 + 0·1 = 4.")
    assert run_in_kernel(page, "print(w.element)").strip() == "4"


def test_every_shape_and_some_orders_of_every_number_of_axes(page, fresh):
    for axes, shape in [(1, (12,)), (2, (4, 3)), (3, (2, 3, 2)), (4, (2, 1, 3, 2))]:
        for order in list(itertools.permutations(range(axes)))[:: max(1, axes * 2 - 3)]:
            choose(page, axes, shape, order)
            y = torch.arange(12).view(shape).permute(order)
            facts = page.locator(".cb-facts")
            expect(facts).to_contain_text(f"shape {tuple(y.shape)}, strides {y.stride()}")
            expect(facts).to_contain_text("Contiguous" if y.is_contiguous() else "Not contiguous")
            assert shown_places(page) == y.flatten().tolist()
            assert active(page) == [6, 6]


def test_keys_walk_through_all_matrices(page, fresh):
    choose(page, 3, (2, 2, 3), (0, 2, 1))
    expect(page.locator(".cb-facts")).to_contain_text("strides (6, 1, 3)")
    y = torch.arange(12).view(2, 2, 3).permute(0, 2, 1)
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
        assert active(page) == [y[index].item()] * 2
        label = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert label == f"y[{', '.join(map(str, index))}], number {y[index]}"
    assert page.locator(".cb-tensor [tabindex='0']").count() == 1
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.cb-panel')") is None


def test_keys_walk_along_memory(page, fresh):
    page.get_by_label("order of the axes").select_option("permute(1, 0)")
    y = torch.arange(12).view(3, 4).permute(1, 0)
    expect(page.locator(".cb-facts")).to_contain_text("strides (1, 4)")
    memory_cell(page, 6).focus()
    page.keyboard.press("Home")
    for place in range(12):
        row, column = (y == place).nonzero()[0].tolist()
        assert active(page) == [place, place]
        expect(place_line(page)).to_contain_text(f"y[{row}, {column}]")
        expect(place_line(page)).to_contain_text(f"it is number {row * 3 + column}.")
        page.keyboard.press("ArrowRight")


def test_view_gives_pytorchs_answer(page, fresh):
    field = page.get_by_label("y.view(")
    said = page.locator(".cb-views .cb-live").last
    field.fill("2, 6")
    expect(said).to_contain_text("gives shape (2, 6), strides (6, 1), on the same memory")
    field.fill("5, 3")
    expect(said).to_have_text("RuntimeError: shape '[5, 3]' is invalid for input of size 12")
    field.fill("two")
    expect(said).to_contain_text("expected whole numbers with commas between them, got 'two'")
    field.fill("")
    field.press_sequentially("-1")
    page.get_by_label("order of the axes").press("End")
    with pytest.raises(RuntimeError) as caught:
        torch.arange(12).view(3, 4).permute(1, 0).view(-1)
    expect(said).to_contain_text(f"RuntimeError: {caught.value}")
    expect(said).to_contain_text("y.reshape(-1) copies the numbers first: [0, 4, 8, 1,")
    assert find_axe_faults(page, ".cb-views") == []


def test_lists_by_keys_and_from_python(page, fresh):
    page.get_by_label("axes", exact=True).press("End")
    expect(page.get_by_label("axes", exact=True)).to_have_value("4")
    shapes = page.get_by_label("shape", exact=True)
    every = itertools.product(range(1, 13), repeat=4)
    legal = [str(shape) for shape in every if math.prod(shape) == 12]
    assert shapes.locator("option").all_inner_texts() == legal
    assert page.get_by_label("order of the axes").locator("option").count() == 24
    shapes.press("Home")
    expect(page.locator(".cb-facts")).to_contain_text("shape (1, 1, 1, 12)")
    shapes.press("End")
    expect(page.locator(".cb-facts")).to_contain_text("shape (12, 1, 1, 1)")
    assert page.locator(".cb-tensor [role=grid]").count() == 12
    state = "w.shape = [6, 2]; w.permutation = [1, 0]; w.target = '3, 4'; w.element = 5"
    run_in_kernel(page, state)
    expect(shapes).to_have_value("(6, 2)")
    expect(page.get_by_label("order of the axes")).to_have_value("permute(1, 0)")
    expect(page.get_by_label("y.view(")).to_have_value("3, 4")
    expect(place_line(page)).to_contain_text("y[1, 2] sits at index · strides: 1·1 + 2·2 = 5.")
