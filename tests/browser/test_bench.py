"""The architecture bench in JupyterLab: every control, and the shape doctor's sentences."""

from driving import choose, command, find_axe_faults, has_left, run_in_kernel
from playwright.sync_api import expect

from cnn_basics.widgets.bench import PRESETS, name_layers

CELLS = ("import torch\nfrom cnn_basics import widgets", "w = widgets.architecture_bench()\nw")


def output_shape(page, name):
    name_of_row = page.get_by_role("rowheader", name=name, exact=True)
    return page.locator("tr[data-row]").filter(has=name_of_row).locator("td").nth(2)


def names(page):
    return page.locator("tr[data-row] th")


def total(page):
    return page.locator(".cb-bench tfoot td").nth(3)


def fault(page):
    return page.locator(".cb-fault [role=alert]")


def button(page, name):
    return page.get_by_role("button", name=name)


def test_it_starts_with_custom_cnn(page, fresh):
    shown = name_layers(PRESETS["Custom_CNN"])
    assert shown[-4:] == ["flatten1", "fc1", "relu3", "fc2"]
    expect(names(page)).to_have_text(shown)
    expect(total(page)).to_have_text("857,282")
    cells = page.locator("tr[data-row='3'] td").all_inner_texts()[2:6]
    assert cells == ["(N, 64, 14, 14)", "51,264", "10,035,200", "14×14"]
    expect(page.get_by_label("in_features of fc1")).to_have_attribute("placeholder", "auto 3136")
    page.get_by_text("The network as code").click()
    expect(page.locator(".cb-code")).to_contain_text("nn.Conv2d(3, 32, kernel_size=5, padding=2)")


def test_every_number_by_keys_and_typing(page, fresh):
    """Arrow up on each number of conv1, then PyTorch is asked whether the page is right."""
    for argument in ("out_channels", "kernel_size", "stride", "padding"):
        field = page.get_by_label(f"{argument} of conv1")
        before = int(field.input_value())
        field.press("ArrowUp")
        expect(field).to_be_focused()
        expect(field).to_have_value(str(before + 1))
        shape = "tuple(w.network()[0](torch.zeros(1, 3, 28, 28)).shape[1:])"
        expected = run_in_kernel(page, f"print({shape})").strip()
        expect(output_shape(page, "conv1")).to_have_text(f"(N, {expected[1:]}")
    page.get_by_label("out_features of fc1").fill("10")
    count = "f'{sum(p.numel() for p in w.network().parameters()):,}'"
    expect(total(page)).to_have_text(run_in_kernel(page, f"print({count})").strip())
    expect(page.get_by_label("network", exact=True)).to_have_value("your own")


def test_the_three_faults_are_mended_one_after_the_other(page, fresh):
    choose(page, "network", "Broken: three faults")
    expect(fault(page)).to_contain_text("`conv2` (Conv2d) expected 16 channels but got 32")
    expect(page.locator(".cb-broken th")).to_have_text("conv2")
    assert find_axe_faults(page, ".cb-bench") == []
    expect(output_shape(page, "relu2")).to_have_text("–")
    page.get_by_label("in_channels of conv2").fill("")
    expect(fault(page)).to_contain_text("write torch.flatten(x, start_dim=1) before it")
    choose(page, "new layer", "Flatten")
    button(page, "Add at the end").click()
    for place in range(8, 5, -1):
        button(page, "move flatten1 up").click()
        expect(names(page).nth(place)).to_have_text("flatten1")
    said = "`fc2` (Linear) expected 128 numbers per picture but got 256"
    expect(fault(page)).to_contain_text(said)
    page.get_by_label("in_features of fc2").fill("256")
    expect(fault(page)).to_have_count(0)
    expect(total(page)).to_have_text("857,282")


def test_rows_by_keys_alone(page, fresh):
    button(page, "move conv2 up").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(button(page, "move conv2 up")).to_be_focused()
    assert names(page).all_inner_texts()[:4] == ["conv1", "conv2", "relu1", "pool1"]
    button(page, "drop relu1").press("Enter")
    expect(button(page, "drop pool1")).to_be_focused()
    page.get_by_label("kind of pool1").press("ArrowDown")
    expect(page.get_by_label("kind of pool1")).to_have_value("AvgPool2d")
    expect(page.get_by_label("kind of pool1")).to_be_focused()
    button(page, "move conv1 down").press("Enter")
    expect(button(page, "move conv2 down")).to_be_focused()
    expect(total(page)).not_to_have_text("857,282")
    kinds = run_in_kernel(page, "print([type(layer).__name__ for layer in w.network()][:4])")
    assert kinds.strip() == "['Conv2d', 'Conv2d', 'AvgPool2d', 'ReLU']"
    page.keyboard.press("Escape")
    assert has_left(page)


def test_nonsense_is_answered_not_raised(page, fresh):
    field = page.get_by_label("out_channels of conv1")
    field.fill("")
    expect(fault(page)).to_contain_text("expected a whole number for out_channels, got nothing")
    expect(field).to_be_focused()
    field.press_sequentially("999999")
    expect(fault(page)).to_contain_text("expected out_channels from 1 to 4,096, got 999,999")
    expect(field).to_have_value("999999")
    field.fill("8")
    expect(fault(page)).to_have_count(0)
    while names(page).count():
        page.locator("[data-what=drop]").first.click()
    expect(fault(page)).to_contain_text("expected at least one layer, got none")
    add = button(page, "Add at the end")
    expect(add).to_be_focused()
    for _ in range(24):
        add.press("Enter")
    expect(add).to_be_disabled()
    expect(names(page)).to_have_count(24)


def test_python_leads_too_and_two_views_agree(open_notebook):
    page = open_notebook(*CELLS, "w")
    expect(page.locator(".cb-bench")).to_have_count(2)
    page.get_by_label("out_features of fc2").first.fill("7")
    expect(page.get_by_label("out_features of fc2").last).to_have_value("7")
    expect(page.locator(".cb-bench tfoot")).to_contain_text(["858,567"] * 2)
    command(page, "notebook:delete-cell")
    expect(page.locator(".cb-bench")).to_have_count(1)
    page.get_by_label("out_features of fc2").fill("2")
    expect(total(page)).to_have_text("857,282")
    run_in_kernel(page, "w.layers = w.presets['LeNet-5-like']")
    expect(total(page)).to_have_text("62,006")
    expect(page.get_by_label("network", exact=True)).to_have_value("LeNet-5-like")
