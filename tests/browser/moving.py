"""Move every control of a widget, by keys and by mouse, and tell whether the page answers.

The page's side of it is `page_side.js`. A control is dead when the widget looks the same whatever
the control is moved to; it is moved once more after all others have moved a step, because some
(a *reset*, or what another control switches off) have nothing to do in the first state.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from driving import run_in_kernel
from PIL import Image

STOPS = 4  # how often, about, a control that is moved rests on its way, for the widget to answer
WAITING = {"select “new layer”"}  # answers when *Add at the end* is pressed: see test_bench.py
MOST_LATE_PICTURES = 3
COUNT = """
import comm, gc, ipywidgets
gc.collect()
print(len(comm.get_comm_manager().comms), len(ipywidgets.widgets.widget._instances))
"""
NEVER = " is never enabled"
MOST_NEW_CONTROLS = 20  # of those that only come when a button adds something


@dataclass(frozen=True)
class Control:
    """One control of the widgets below cell `cell`, as the page describes it."""

    page: object
    cell: int
    kind: str
    key: str
    given: dict

    @property
    def element(self):
        return self.page.locator(f'[data-test="{self.cell} {self.key}"]').first

    def ask(self, function: str, *arguments):
        return ask(self.page, function, self.cell, self.key, *arguments)

    def focus(self) -> None:
        inside = "[tabindex='0']" if self.kind == "grid" else None
        (self.element.locator(inside).first if inside else self.element).focus()

    def member(self, index: int):
        """One of the buttons of which one can be chosen."""
        group = ".widget-toggle-buttons, .widget-radio, [role=radiogroup]"
        together = self.page.locator(group).filter(has=self.element)
        return together.locator("input, button").nth(index)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def state(self) -> dict:
        """Where it stands, and what the widget shows without it, once everything has answered."""
        return self.ask("state")


def ask(page, function: str, *arguments):
    """Call one of `page_side.js`'s functions."""
    return page.evaluate(
        "([name, given]) => window.lessonTest[name](...given)", [function, list(arguments)]
    )


def count_open(page) -> tuple[int, ...]:
    """How many lines to the page, and how many widgets, the kernel holds."""
    return tuple(map(int, run_in_kernel(page, COUNT).split()))


def scan(page, cell: int) -> list[Control]:
    found = ask(page, "scan", cell)
    return [Control(page, cell, each["kind"], each["key"], each) for each in found]


def move_everything(page, cells: Iterable[int]) -> list[str]:
    """Move every control of these cells; return one sentence for each fault.

    Where two cells show the same kind of widget, the second is for what the first could not move.
    """
    moved: dict[str, set[str]] = {}
    faults = []
    for cell in cells:
        kind = re.search(r"widgets\.(\w+)|$", ask(page, "source", cell))[1] or f"cell {cell}"
        faults += move_all(page, cell, moved.setdefault(kind, set()))
    everything = set().union(*moved.values())
    return [fault for fault in faults if fault.removesuffix(NEVER) not in everything]


def move_all(page, cell: int, done: set[str]) -> list[str]:
    """Move every control of a cell's widgets but those `done`, and add their keys to it."""
    faults = [f"unknown kind of control: {html}" for html in ask(page, "findUnknown", cell)]
    first = [control.key for control in scan(page, cell)]
    if not first:
        return [*faults, f"cell {cell} has nothing to move"]
    while True:
        left = [control for control in scan(page, cell) if control.key not in done]
        ready = [control for control in left if not control.given["disabled"]]
        if not ready:
            ready = enable(page, cell, {control.key for control in left})
        if not ready or len(done - set(first)) >= MOST_NEW_CONTROLS:
            break
        # Those that a button brought come last, and buttons, which may take others away.
        control = min(ready, key=lambda each: (each.key not in first, each.kind == "button"))
        done.add(control.key)
        faults += move(control)
    faults += [f"{each.key}{NEVER}" for each in left if each.given["disabled"]]
    return faults


def enable(page, cell: int, keys: set[str]) -> list[Control]:
    """Choose from every list until one of these controls can be moved; return those that can."""
    for other in scan(page, cell) if keys else []:
        if other.kind != "select" or other.given["disabled"]:
            continue
        for index in other.given["values"]:
            choose(other, index)
            other.state()
            ready = [c for c in scan(page, cell) if c.key in keys and not c.given["disabled"]]
            if ready:
                return ready
    return []


def move(control: Control) -> list[str]:
    """Move one control by keys, then by mouse; return one sentence for each fault."""
    rest(control)
    faults = find_focus_faults(control)
    for way, moves in (("keys", BY_KEYS), ("mouse", BY_MOUSE)):
        if control.key in WAITING:
            break
        before = control.state()
        if before["gone"] or control.ask("isDisabled"):
            break  # as a button may be after its work, which removes a row or moves it to the top
        answered = carry_out(control, moves[control.kind], before)
        if not answered:
            disturb(control)
            before = control.state()
            answered = not before["gone"] and carry_out(control, moves[control.kind], before)
        if not answered:
            faults.append(f"{control.key} is dead, moved by {way}")
    return faults


def rest(control: Control) -> None:
    """Take the pointer off the widget, where it may light something up."""
    control.page.mouse.move(0, 0)


def find_focus_faults(control: Control) -> list[str]:
    """Whether the focus shows, and Escape takes it out of the control but not out of the widget."""
    ask(control.page, "blur")
    blurred = control.ask("look")
    control.focus()
    control.press("Shift")  # the last thing used is the keyboard, so browsers show the focus
    shows = control.ask("look") != blurred
    control.press("Escape")
    left = ask(control.page, "hasLeft", control.cell)
    return [f"{control.key} does not show the focus"] * (not shows) + [
        f"{control.key} keeps the focus when Escape is pressed"
    ] * (not left)


def carry_out(control: Control, moves: Callable, before: dict) -> bool:
    """Carry out the moves, one after another; return whether the widget ever looked different."""
    answered = False
    for _ in moves(control):
        now = control.state()
        answered |= now["shown"] != before["shown"]
        if now["gone"]:
            return answered
    rest(control)
    put_back(control, before)
    return answered


def put_back(control: Control, before: dict) -> None:
    if control.kind in ("slider", "number", "select") and before["now"] is not None:
        if control.kind == "select":
            choose(control, before["now"])
        else:
            control.ask("setValue", before["now"])
        control.state()  # what follows from it, such as another control's range, has come


def disturb(control: Control) -> None:
    """Move every other control by one step, and leave it there."""
    for other in scan(control.page, control.cell):
        if other.key == control.key or other.state()["gone"] or other.ask("isDisabled"):
            continue
        if other.kind == "slider":
            step = other.given["step"] * (1 if other.given["now"] < other.given["max"] else -1)
            other.ask("setValue", other.given["now"] + step)
        elif other.kind == "checkbox":
            other.element.click()
        elif other.kind == "select":
            choose(other, next((i for i in other.given["values"] if i != other.given["now"]), 0))
        other.state()
    scan(control.page, control.cell)


def find_quick_faults(controls: list[Control]) -> list[str]:
    """Press keys without waiting; the widget must end with the last value, and not much later."""
    ready = [c for c in controls if c.kind in ("slider", "select") and not c.given["disabled"]]
    faults = []
    for control in ready[:1]:
        rest(control)
        before = control.state()
        faults += find_late_pictures(control)
        quick = control.state()
        if any(slow != quick for slow in approach_slowly(control)):
            faults.append(f"{control.key}: quick keys leave what belongs to another value")
        put_back(control, before)
    return faults


def find_late_pictures(control: Control) -> list[str]:
    """Twenty keys, as fast as they come, the last one downwards."""
    up, down = keys_of(control)
    far = min(12, steps(control))
    back = min(4, max(far - 1, 1))
    control.focus()
    control.press("Home")
    control.state()
    ask(control.page, "watchPictures", control.cell)
    control.press(*[up, down] * ((20 - far - back) // 2), *[up] * far, *[down] * back)
    control.state()
    late = ask(control.page, "picturesAfterKeys")
    said = f"{control.key}: {late} pictures after the last key"
    return [said] if late > MOST_LATE_PICTURES else []


def approach_slowly(control: Control) -> Iterator[dict]:
    """Away and back again, on both sides: what the same value shows then."""
    value = control.ask("range")["now"]
    for keys in (keys_of(control), keys_of(control)[::-1]):
        for key in keys:
            control.press(key)
            last = control.state()
        if last["now"] == value:  # else there is nothing on this side
            yield last


def keys_of(control: Control) -> tuple[str, str]:
    return ("ArrowDown", "ArrowUp") if control.kind == "select" else ("ArrowRight", "ArrowLeft")


# --- by keys ---


def slide_by_keys(control: Control) -> Iterator[None]:
    given = control.given
    control.focus()
    control.press("Home")
    yield
    yield from press_and_rest(control, ["ArrowRight"] * steps(control))
    assert control.ask("range")["now"] == given["max"], f"{control.key}: keys do not reach the end"


def press_and_rest(control: Control, keys: list[str]) -> Iterator[None]:
    """Press these keys, one after another, with a rest now and then and one at the end."""
    for number, key in enumerate(keys, 1):
        control.press(key)
        if number % -(-len(keys) // STOPS) == 0 or number == len(keys):
            yield


def steps(control: Control) -> int:
    given = control.given
    assert given["max"] > given["min"], f"{control.key} has only one value"
    return round((given["max"] - given["min"]) / given["step"])


def drag_handle_by_keys(control: Control) -> Iterator[None]:
    control.focus()
    for key in ("Home", "ArrowRight", "PageUp", "End", "ArrowLeft"):
        control.press(key)
        yield


def choose_by_keys(control: Control) -> Iterator[None]:
    control.focus()
    control.press("Home")
    yield
    # Not always to the end: a list may grow shorter on the way.
    yield from press_and_rest(control, ["ArrowDown"] * (len(control.given["values"]) - 1))


def tick_by_keys(control: Control) -> Iterator[None]:
    control.focus()
    for _ in range(2):
        control.press("Space")
        yield


def pick_by_keys(control: Control) -> Iterator[None]:
    for index in reversed(range(control.given["members"])):
        control.member(index).focus()
        control.press("Space")
        yield


def type_number(control: Control) -> Iterator[None]:
    given = control.given
    for value in {given["min"], given["max"], (given["now"] or 0) + given["step"]} - {None}:
        control.focus()
        control.press("ControlOrMeta+a")
        control.page.keyboard.type(f"{value:g}")
        control.press("Enter")
        yield


def type_text(control: Control) -> Iterator[None]:
    control.focus()
    for key in ("End", "1", "Enter"):
        control.press(key)
    yield
    control.focus()
    control.press("End", "Backspace", "Enter")
    yield


def press_by_keys(control: Control) -> Iterator[None]:
    for key in ("Enter", "Space"):
        if not control.ask("isDisabled"):
            control.focus()
            control.press(key)
            yield


def walk_by_keys(control: Control) -> Iterator[None]:
    """Along the first row and down the last column, then back in one jump."""
    now = control.ask("range")
    rows, columns = now["rows"], now["columns"]
    control.focus()
    control.press("Control+Home")
    yield
    way = ["ArrowRight"] * (columns - 1) + ["ArrowDown"] * (rows - 1)
    yield from press_and_rest(control, way)
    last = control.element.locator("[role=gridcell]").last
    assert last.evaluate("node => node.contains(document.activeElement)"), f"{control.key}: stuck"
    control.press("Control+Home")
    yield


def choose_files_by_keys(control: Control) -> Iterator[None]:
    """The keys reach the field; the dialog that it opens belongs to the system."""
    for file in pictures():
        control.focus()
        assert control.element.evaluate("node => node === document.activeElement"), control.key
        control.element.set_input_files(file)
        control.page.wait_for_timeout(100)  # until the page has read the file and sent it on
        yield


def pictures() -> Iterator[dict]:
    """Two small PNGs."""
    for name, colour in (("black.png", "black"), ("white.png", "white")):
        file = io.BytesIO()
        Image.new("RGB", (8, 8), colour).save(file, "PNG")
        yield {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}


# --- by mouse ---


def slide_by_mouse(control: Control) -> Iterator[None]:
    control.element.scroll_into_view_if_needed()
    box = control.element.bounding_box()
    height = box["y"] + box["height"] / 2
    mouse = control.page.mouse
    mouse.move(box["x"] + 1, height)
    mouse.down()
    yield
    for stop in range(1, STOPS + 1):
        mouse.move(box["x"] + (box["width"] - 2) * stop / STOPS, height, steps=4)
        yield
    mouse.up()
    assert control.ask("range")["now"] == control.given["max"], (
        f"{control.key}: the mouse stops early"
    )


def drag_handle_by_mouse(control: Control) -> Iterator[None]:
    control.element.scroll_into_view_if_needed()
    box = control.element.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse = control.page.mouse
    mouse.move(x, y)
    mouse.down()
    for distance in (80, -80):
        mouse.move(x + distance, y, steps=4)
        yield
    mouse.up()
    yield


def choose_by_mouse(control: Control) -> Iterator[None]:
    """The list that opens belongs to the system, where no page's mouse gets: choose without it."""
    values = control.given["values"]
    for index in values[:: -(-len(values) // STOPS)]:
        choose(control, index)
        yield


def choose(control: Control, index: int) -> None:
    """Choose from a list, unless the list, or what it offered, is no longer there."""
    now = control.state()
    if not now["gone"] and index in now["values"]:
        control.element.select_option(index=index)


def click_twice(control: Control) -> Iterator[None]:
    for _ in range(2):
        control.element.click()
        yield


def click_once(control: Control) -> Iterator[None]:
    control.element.click()
    yield


def pick_by_mouse(control: Control) -> Iterator[None]:
    for index in reversed(range(control.given["members"])):
        control.member(index).click()
        yield


def click_and_type(control: Control) -> Iterator[None]:
    control.element.click()
    assert control.element.evaluate("node => node === document.activeElement"), control.key
    yield from (type_text if control.kind == "text" else type_number)(control)


def point_at_cells(control: Control) -> Iterator[None]:
    """Over the cells from corner to corner, then a click on the last."""
    now = control.ask("range")
    rows, columns = now["rows"], now["columns"]
    cells = control.element.locator("[role=gridcell]")
    far = max(rows, columns)
    for step in range(0, far, -(-far // STOPS)):
        row, column = min(step, rows - 1), min(step, columns - 1)
        cells.nth(row * columns + column).hover()
        yield
    cells.last.click()
    yield


def choose_files_by_mouse(control: Control) -> Iterator[None]:
    for file in pictures():
        with control.page.expect_file_chooser() as chooser:
            control.element.click()
        chooser.value.set_files(file)
        control.page.wait_for_timeout(100)
        yield


BY_KEYS: dict[str, Callable[[Control], Iterator[None]]] = {
    "slider": slide_by_keys,
    "handle": drag_handle_by_keys,
    "number": type_number,
    "text": type_text,
    "readout": type_number,
    "select": choose_by_keys,
    "checkbox": tick_by_keys,
    "choice": pick_by_keys,
    "button": press_by_keys,
    "grid": walk_by_keys,
    "file": choose_files_by_keys,
}
BY_MOUSE = {
    "slider": slide_by_mouse,
    "handle": drag_handle_by_mouse,
    "number": click_and_type,
    "text": click_and_type,
    "readout": click_and_type,
    "select": choose_by_mouse,
    "checkbox": click_twice,
    "choice": pick_by_mouse,
    "button": click_once,
    "grid": point_at_cells,
    "file": choose_files_by_mouse,
}
