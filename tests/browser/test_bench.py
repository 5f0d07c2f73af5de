"""The architecture bench in JupyterLab: every control, and the shape doctor's sentences."""

from driving import command, find_axe_faults, run_in_kernel
from playwright.sync_api import expect

from cnn_basics.widgets.bench import PRESETS, name_layers

CELLS = ("from cnn_basics import widgets", "w = widgets.architecture_bench()\nw")


def row(page, name):
    return page.locator("tr[data-row]").filter(
        has=page.get_by_role("rowheader", name=name, exact=True)
    )


def names(page):
    return page.locator("tr[data-row] th").all_inner_texts()


def total(page):
    return page.locator(".cb-bench tfoot td").nth(3)


def fault(page):
    return page.locator(".cb-fault [role=alert]")


def test_it_starts_with_custom_cnn(page, fresh):
    shown = name_layers(PRESETS["Custom_CNN"])
    assert shown[-4:] == ["flatten1", "fc1", "relu3", "fc2"]
    expect(page.locator("tr[data-row] th")).to_have_text(shown)
    expect(total(page)).to_have_text("857,282")
    cells = row(page, "conv2").locator("td").all_inner_texts()[2:6]
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
        expected = run_in_kernel(
            page, "import torch; print(tuple(w.network()[0](torch.zeros(1, 3, 28, 28)).shape[1:]))"
        )
        expect(row(page, "conv1").locator("td").nth(2)).to_have_text(f"(N, {expected.strip()[1:]}")
    page.get_by_label("out_features of fc1").fill("10")
    parameters = run_in_kernel(
        page, "print(f'{sum(p.numel() for p in w.network().parameters()):,}')"
    )
    expect(total(page)).to_have_text(parameters.strip())
    expect(page.get_by_label("network", exact=True)).to_have_value("your own")


def test_the_three_faults_are_mended_one_after_the_other(page, fresh):
    page.get_by_label("network", exact=True).select_option("Broken: three faults")
    expect(fault(page)).to_contain_text("`conv2` (Conv2d) expected 16 channels but got 32")
    expect(page.locator(".cb-broken th")).to_have_text("conv2")
    assert find_axe_faults(page, ".cb-bench") == []
    expect(row(page, "relu2").locator("td").nth(2)).to_have_text("–")
    page.get_by_label("in_channels of conv2").fill("")
    expect(fault(page)).to_contain_text("write torch.flatten(x, start_dim=1) before it")
    page.get_by_label("new layer").select_option("Flatten")
    page.get_by_role("button", name="Add at the end").click()
    for place in range(8, 5, -1):
        page.get_by_role("button", name="move flatten1 up").click()
        expect(page.locator("tr[data-row] th").nth(place)).to_have_text("flatten1")
    expect(fault(page)).to_contain_text(
        "`fc2` (Linear) expected 128 numbers per picture but got 256"
    )
    field = page.get_by_label("in_features of fc2")
    field.fill("256")
    expect(fault(page)).to_have_count(0)
    expect(total(page)).to_have_text("857,282")


def test_rows_by_keys_alone(page, fresh):
    page.get_by_role("button", name="move conv2 up").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="move conv2 up")).to_be_focused()
    assert names(page)[:4] == ["conv1", "conv2", "relu1", "pool1"]
    page.get_by_role("button", name="drop relu1").press("Enter")
    expect(page.get_by_role("button", name="drop pool1")).to_be_focused()
    page.get_by_label("kind of pool1").press("ArrowDown")
    expect(page.get_by_label("kind of pool1")).to_have_value("AvgPool2d")
    expect(page.get_by_label("kind of pool1")).to_be_focused()
    page.get_by_role("button", name="move conv1 down").press("Enter")
    expect(page.get_by_role("button", name="move conv2 down")).to_be_focused()
    expect(total(page)).not_to_have_text("857,282")
    kinds = run_in_kernel(page, "print([type(layer).__name__ for layer in w.network()][:4])")
    assert kinds.strip() == "['Conv2d', 'Conv2d', 'AvgPool2d', 'ReLU']"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.cb-panel')") is None


def test_every_kind_of_layer_in_every_row(page, fresh):
    for name in names(page):
        options = page.get_by_label(f"kind of {name}").locator("option").all_inner_texts()
        assert len(options) == 8
    at = page.locator("tr[data-row='4']")
    for kind in at.locator("select option").all_inner_texts():
        at.locator("select").select_option(kind)
        expect(at.locator("select")).to_have_value(kind)
        said = run_in_kernel(page, "print(w.layers[4]['kind'], w.traced['sentence'])").strip()
        assert said == " ".join([kind, *fault(page).all_inner_texts()])


def test_nonsense_is_answered_not_raised(page, fresh):
    field = page.get_by_label("out_channels of conv1")
    field.fill("")
    expect(fault(page)).to_contain_text("expected a whole number for out_channels, got nothing")
    expect(field).to_be_focused()
    field.press_sequentially("999999")
    expect(fault(page)).to_contain_text("expected out_channels from 1 to 4,096, got 999,999")
    expect(field).to_have_value("999999")
    field.fill("2.5")
    expect(fault(page)).to_contain_text("expected a whole number for out_channels, got 2.5")
    field.fill("8")
    expect(fault(page)).to_have_count(0)
    while names(page):
        page.locator("[data-what=drop]").first.click()
    expect(fault(page)).to_contain_text("expected at least one layer, got none")
    expect(page.get_by_role("button", name="Add at the end")).to_be_focused()
    for _ in range(24):
        page.get_by_role("button", name="Add at the end").press("Enter")
    expect(page.get_by_role("button", name="Add at the end")).to_be_disabled()
    assert len(names(page)) == 24


def test_python_leads_too_and_two_views_agree(open_notebook, faults):
    page = open_notebook(*CELLS, "w")
    expect(page.locator(".cb-bench")).to_have_count(2)
    page.get_by_label("out_features of fc2").first.fill("7")
    expect(page.get_by_label("out_features of fc2").last).to_have_value("7")
    for view in (0, 1):
        expect(page.locator(".cb-bench tfoot").nth(view)).to_contain_text("858,567")
    command(page, "notebook:delete-cell")
    expect(page.locator(".cb-bench")).to_have_count(1)
    page.get_by_label("out_features of fc2").fill("2")
    expect(total(page)).to_have_text("857,282")
    run_in_kernel(page, "w.layers = w.presets['LeNet-5-like']")
    expect(total(page)).to_have_text("62,006")
    expect(page.get_by_label("network", exact=True)).to_have_value("LeNet-5-like")
