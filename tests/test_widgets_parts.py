"""The common parts of the widgets, with real ipywidgets."""

from __future__ import annotations

import base64
import re
from io import BytesIO

import ipywidgets
import pytest
from PIL import Image
from traitlets import TraitError

from cnn_basics.figures import new_figure
from cnn_basics.widgets import FrontEndWidget, RedrawnFigure, Slider, reruns
from cnn_basics.widgets.fallback import VIEW, WithFallback
from cnn_basics.widgets.front_end import read_static


def draw(rows: int, bold: bool = False):
    if rows == 4:
        raise ValueError("expected rows <other> than 4, got 4: move on")
    return new_figure(width=2, height=1, alt=f'{rows} "rows", bold {bold}')[0]


def make():
    controls = {"rows": Slider("rows", 1, min=0, max=5), "bold": ipywidgets.Checkbox()}
    return RedrawnFigure(controls, draw)


def test_every_value_of_every_control_draws_its_picture():
    shown = make()
    for rows in (0, 2, 3, 5):
        for bold in (True, False):
            shown.controls["rows"].value, shown.controls["bold"].value = rows, bold
            assert f'alt="{rows} &quot;rows&quot;, bold {bold}"' in shown.picture.value


def test_the_picture_is_a_png_of_the_size_that_it_claims():
    shown = make()
    data = re.search(r"base64,([^\"]+)", shown.picture.value)[1]
    assert Image.open(BytesIO(base64.b64decode(data))).size == (200, 100)
    assert 'width="200" height="100"' in shown.picture.value


def test_a_refusal_is_shown_as_its_sentence_and_goes_away():
    shown = make()
    shown.controls["rows"].value = 4
    assert "expected rows &lt;other&gt; than 4, got 4: move on" in shown.picture.value
    assert 'role="alert"' in shown.picture.value
    assert shown.still().alt == "expected rows <other> than 4, got 4: move on"
    shown.controls["rows"].value = 5
    assert "alert" not in shown.picture.value


def test_other_errors_are_not_hidden():
    def broken(rows):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        RedrawnFigure({"rows": Slider("rows", 1, min=0, max=5)}, broken)


def test_a_picture_without_alt_text_is_refused():
    with pytest.raises(ValueError, match=r"set figure\.alt"):
        RedrawnFigure({}, lambda: new_figure()[0])


def test_one_drawing_for_each_change_and_none_for_no_change():
    shown = make()
    before = shown.drawings
    shown.controls["rows"].value = 3
    shown.controls["rows"].value = 3
    assert shown.drawings == before + 1


def test_a_change_made_by_drawing_leads_to_the_last_state():
    limit = Slider("limit", 5, min=0, max=9)
    size = Slider("size", 2, min=0, max=9)

    def draw_limited(size, limit):
        shown_size = min(size, limit)
        slider.value = shown_size
        return new_figure(alt=f"size {shown_size}, slider {size}")[0]

    slider = size
    shown = RedrawnFigure({"size": size, "limit": limit}, draw_limited)
    size.value = 8
    assert 'alt="size 5, slider 5"' in shown.picture.value
    assert shown.drawings == 3


def test_controls_without_a_value_are_shown_but_not_passed_on():
    shown = RedrawnFigure(
        {"rows": Slider("rows", 1, min=0, max=5), "again": ipywidgets.Button(description="again")},
        draw,
    )
    assert shown.values() == {"rows": 1}


def test_what_a_notebook_stores():
    shown = make()
    data, metadata = shown._repr_mimebundle_()
    assert list(data) == [VIEW, "image/png", "text/plain"]
    assert data["text/plain"] == metadata["image/png"]["alt"] == '1 "rows", bold False'
    assert metadata["image/png"]["width"] == 200
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert repr(shown) == "<RedrawnFigure>"


def test_a_widget_must_say_how_it_looks():
    class Silent(WithFallback, ipywidgets.HTML):
        pass

    with pytest.raises(NotImplementedError, match="Silent has no still"):
        Silent()._repr_mimebundle_()


def open_widgets() -> set[str]:
    return set(ipywidgets.widgets.widget._instances)


def test_close_closes_everything_that_belongs_to_it():
    before = open_widgets()
    shown = make()
    assert len(open_widgets()) > len(before) + 8
    shown.close()
    assert open_widgets() == before


def test_a_second_run_of_a_cell_closes_what_the_first_made():
    counts = set()
    for run in range(8):
        for shown in (make(), make()):
            reruns.replace_previous(shown, ("cell 1", f"run {run}"))
        counts.add(len(open_widgets()))
    assert len(counts) == 1
    other = make()
    reruns.replace_previous(other, ("cell 2", "run 8"))
    assert shown.comm is not None  # another cell's run leaves it alone
    new = make()
    reruns.replace_previous(new, ("cell 1", "run 9"))
    assert shown.comm is None
    assert other.comm is not None
    assert new.comm is not None


def test_outside_of_jupyter_nothing_is_closed():
    assert reruns.running_cell() is None
    first, second = make(), make()
    assert first.comm is not None
    assert second.comm is not None


@pytest.mark.parametrize("value", [-1, 6, 2.5])
def test_a_slider_refuses_what_is_outside(value):
    slider = Slider("rows", 1, min=0, max=5)
    if value == 2.5:
        slider.value = value
        assert slider.value == 2.5
        return
    with pytest.raises(TraitError, match=rf"expected rows from 0 to 5, got {value}"):
        slider.value = value
    assert slider.value == 1


def test_scripts_are_joined_and_missing_ones_named():
    both = read_static("parts.js", "slider.js")
    assert both.index("function lifetime") < both.index("export default")
    with pytest.raises(FileNotFoundError, match=r"expected one of none\.js"):
        read_static("none.js")


def test_a_widget_loads_the_shared_script_before_its_own():
    class Plain(FrontEndWidget, static=("slider",)):
        pass

    widget = Plain()
    assert widget._esm == read_static("parts.js", "slider.js")
    assert widget._css == read_static("parts.css")
    widget.close()


def test_static_files_are_shipped():
    from importlib.resources import files

    names = {path.name for path in (files("cnn_basics.widgets") / "static").iterdir()}
    assert {"parts.js", "parts.css", "lens.js", "lens.css", "slider.js", "guard.js"} <= names
