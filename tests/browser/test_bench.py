"""The architecture bench in JupyterLab: every control, and the shape doctor's sentences."""

import pytest
from driving import button, choose, control, find_axe_faults, get, run_in_kernel
from playwright.sync_api import expect

from cnn_basics.widgets.bench import PRESETS, name_layers

CELLS = ("import torch\nfrom cnn_basics import widgets", "w = widgets.architecture_bench()\nw")


@pytest.fixture(autouse=True)
def at_start(page):
    run_in_kernel(page, "w.layers = w.presets['Custom_CNN']")
    expect(control(page, "network")).to_have_value("Custom_CNN")
    total(page, "857,282")


def output_shape(page, name):
    name_of_row = page.get_by_role("rowheader", name=name, exact=True)
    return page.locator("tr[data-row]").filter(has=name_of_row).locator("td").nth(2)


def names(page):
    return page.locator("tr[data-row] th")


def total(page, count):
    expect(page.locator(".cb-bench tfoot td").nth(3)).to_have_text(count)


def says(page, words):
    """The fault that the shape doctor tells; none for no words."""
    alert = page.locator(".cb-fault [role=alert]")
    expect(alert).to_contain_text(words) if words else expect(alert).to_have_count(0)


def test_it_starts_with_custom_cnn(page):
    shown = name_layers(PRESETS["Custom_CNN"])
    assert shown[-4:] == ["flatten1", "fc1", "relu3", "fc2"]
    expect(names(page)).to_have_text(shown)
    cells = page.locator("tr[data-row='3'] td").all_inner_texts()[2:6]
    assert cells == ["(N, 64, 14, 14)", "51,264", "10,035,200", "14×14"]
    expect(control(page, "in_features of fc1")).to_have_attribute("placeholder", "auto 3136")
    page.get_by_text("The network as code").click()
    expect(page.locator(".cb-code")).to_contain_text("nn.Conv2d(3, 32, kernel_size=5, padding=2)")


def test_every_number_by_keys_and_typing(page):
    """Arrow up on each number of conv1, then PyTorch is asked whether the page is right."""
    for argument in ("out_channels", "kernel_size", "stride", "padding"):
        field = control(page, f"{argument} of conv1")
        before = int(field.input_value())
        field.press("ArrowUp")
        expect(field).to_be_focused()
        expect(field).to_have_value(str(before + 1))
        expected = get(page, "tuple(w.network()[0](torch.zeros(1, 3, 28, 28)).shape[1:])")
        expect(output_shape(page, "conv1")).to_have_text(f"(N, {expected[1:]}")
    control(page, "out_features of fc1").fill("10")
    total(page, get(page, "f'{sum(p.numel() for p in w.network().parameters()):,}'"))
    expect(control(page, "network")).to_have_value("your own")


def test_the_three_faults_are_mended_one_after_the_other(page):
    choose(page, "network", "Broken: three faults")
    says(page, "`conv2` (Conv2d) expected 16 channels but got 32")
    expect(page.locator(".cb-broken th")).to_have_text("conv2")
    assert find_axe_faults(page, ".cb-bench") == []
    expect(output_shape(page, "relu2")).to_have_text("–")
    control(page, "in_channels of conv2").fill("")
    says(page, "write torch.flatten(x, start_dim=1) before it")
    choose(page, "new layer", "Flatten")
    button(page, "Add at the end").click()
    for place in range(8, 5, -1):
        button(page, "move flatten1 up").click()
        expect(names(page).nth(place)).to_have_text("flatten1")
    says(page, "`fc2` (Linear) expected 128 numbers per picture but got 256")
    control(page, "in_features of fc2").fill("256")
    says(page, "")
    total(page, "857,282")


def test_rows_by_keys_alone(page):
    for key in ("Enter", "Enter"):
        button(page, "move conv2 up").press(key)
    expect(button(page, "move conv2 up")).to_be_focused()
    assert names(page).all_inner_texts()[:4] == ["conv1", "conv2", "relu1", "pool1"]
    button(page, "drop relu1").press("Enter")
    expect(button(page, "drop pool1")).to_be_focused()
    control(page, "kind of pool1").press("ArrowDown")
    expect(control(page, "kind of pool1")).to_have_value("AvgPool2d")
    expect(control(page, "kind of pool1")).to_be_focused()
    button(page, "move conv1 down").press("Enter")
    expect(button(page, "move conv2 down")).to_be_focused()
    kinds = get(page, "[type(layer).__name__ for layer in w.network()][:4]")
    assert kinds == "['Conv2d', 'Conv2d', 'AvgPool2d', 'ReLU']"


def test_nonsense_is_answered_not_raised(page):
    field = control(page, "out_channels of conv1")
    field.fill("")
    says(page, "expected a whole number for out_channels, got nothing")
    expect(field).to_be_focused()
    field.press_sequentially("999999")
    says(page, "expected out_channels from 1 to 4,096, got 999,999")
    expect(field).to_have_value("999999")
    field.fill("8")
    says(page, "")
    while names(page).count():
        page.locator("[data-what=drop]").first.click()
    says(page, "expected at least one layer, got none")
    add = button(page, "Add at the end")
    expect(add).to_be_focused()
    for _ in range(24):
        add.press("Enter")
    expect(add).to_be_disabled()
    expect(names(page)).to_have_count(24)
