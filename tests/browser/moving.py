"""Move every control of a widget, by keys and by mouse, and tell whether the page answers.

The page's side of it is `page_side.js`. A control is dead when the widget looks the same whatever
the control is moved to; it is moved once more after all others have moved a step, because some
(a *reset*, or what another control switches off) have nothing to do in the first state.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from driving import ask, run_in_kernel
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
        (
            self.element.locator("[tabindex='0']").first if self.kind == "grid" else self.element
        ).focus()

    def members(self) -> list:
        """The buttons of which one can be chosen, the last first."""
        together = self.page.locator("[role=radiogroup]").filter(has=self.element)
        return together.locator("input").all()[::-1]

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def state(self) -> dict:
        """Where it stands, and what the widget shows without it, once everything has answered."""
        return self.ask("state")

    def choose(self, index: int) -> None:
        """Choose from a list, unless the list, or what it offered, is no longer there."""
        now = self.state()
        if not now["gone"] and index in now["values"]:
            self.element.select_option(index=index)

    def put(self, value: float) -> None:
        """Put a list, a slider or a number to a value, and wait for what follows from it."""
        if self.kind == "select":
            self.choose(value)
        else:
            self.ask("setValue", value)
        self.state()

    def steps(self) -> int:
        low, high, step = (self.given[name] for name in ("min", "max", "step"))
        assert high > low, f"{self.key} has only one value"
        return round((high - low) / step)


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
        ready = ready or enable(page, cell, {control.key for control in left})
        if not ready or len(done - set(first)) >= MOST_NEW_CONTROLS:
            return faults + [f"{each.key}{NEVER}" for each in left if each.given["disabled"]]
        # Those that a button brought come last, and buttons, which may take others away.
        control = min(ready, key=lambda each: (each.key not in first, each.kind == "button"))
        done.add(control.key)
        faults += move(control)


def enable(page, cell: int, keys: set[str]) -> list[Control]:
    """Choose from every list until one of these controls can be moved; return those that can."""
    lists = [each for each in scan(page, cell) if each.kind == "select" and keys]
    for other in lists:
        for index in [] if other.given["disabled"] else other.given["values"]:
            other.put(index)
            ready = [c for c in scan(page, cell) if c.key in keys and not c.given["disabled"]]
            if ready:
                return ready
    return []


def move(control: Control) -> list[str]:
    """Move one control by keys, then by mouse; return one sentence for each fault."""
    rest(control)
    faults = find_focus_faults(control)
    for way, moves in (("keys", move_by_keys), ("mouse", move_by_mouse)):
        before = control.state()
        if control.key in WAITING or before["gone"] or control.ask("isDisabled"):
            break  # as a button may be after its work, which removes a row or moves it to the top
        answered = carry_out(control, moves, before)
        if not answered:
            disturb(control)
            before = control.state()
            answered = not before["gone"] and carry_out(control, moves, before)
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
    faults = [] if shows else [f"{control.key} does not show the focus"]
    if not ask(control.page, "hasLeft", control.cell):
        faults.append(f"{control.key} keeps the focus when Escape is pressed")
    return faults


def carry_out(control: Control, moves, before: dict) -> bool:
    """Move a control step by step; return whether the widget ever looked different."""
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
        control.put(before["now"])


def disturb(control: Control) -> None:
    """Move every other control by one step, and leave it there."""
    for other in scan(control.page, control.cell):
        if other.key == control.key or other.state()["gone"] or other.ask("isDisabled"):
            continue
        if other.kind == "slider":
            step = other.given["step"] * (1 if other.given["now"] < other.given["max"] else -1)
            other.put(other.given["now"] + step)
        elif other.kind == "checkbox":
            other.element.click()
            other.state()
        elif other.kind == "select":
            other.put(next((i for i in other.given["values"] if i != other.given["now"]), 0))
    scan(control.page, control.cell)


# --- keys that come faster than the kernel draws ---


def find_quick_faults(controls: list[Control]) -> list[str]:
    """Press keys without waiting; the widget must end with the last value, and not much later."""
    ready = [c for c in controls if c.kind in ("slider", "select") and not c.given["disabled"]]
    faults = []
    for control in ready[:1]:
        rest(control)
        before = control.state()
        keys = ("ArrowDown", "ArrowUp") if control.kind == "select" else ("ArrowRight", "ArrowLeft")
        late = count_late_pictures(control, *keys)
        if late > MOST_LATE_PICTURES:
            faults.append(f"{control.key}: {late} pictures after the last key")
        quick = control.state()
        if any(slow != quick for slow in approach_slowly(control, *keys)):
            faults.append(f"{control.key}: quick keys leave what belongs to another value")
        put_back(control, before)
    return faults


def count_late_pictures(control: Control, up: str, down: str) -> int:
    """Press twenty keys, as fast as they come, the last one downwards; count what comes after."""
    far = min(12, control.steps())
    back = min(4, max(far - 1, 1))
    control.focus()
    control.press("Home")
    control.state()
    ask(control.page, "watchPictures", control.cell)
    control.press(*[up, down] * ((20 - far - back) // 2), *[up] * far, *[down] * back)
    control.state()
    return ask(control.page, "picturesAfterKeys")


def approach_slowly(control: Control, up: str, down: str) -> Iterator[dict]:
    """Away and back again, on both sides: what the same value shows then."""
    value = control.ask("range")["now"]
    for keys in ((up, down), (down, up)):
        for key in keys:
            control.press(key)
            last = control.state()
        if last["now"] == value:  # else there is nothing on this side
            yield last


# --- the moves: each rests where the widget should have answered ---


def move_by_keys(control: Control) -> Iterator[None]:
    if control.kind in ("number", "text", "file"):
        yield from fill_in(control, control.focus)
    elif control.kind == "choice":
        for member in control.members():
            member.focus()
            control.press("Space")
            yield
    elif control.kind == "button":
        for key in ("Enter", "Space"):
            if not control.ask("isDisabled"):
                control.focus()
                control.press(key)
                yield
    else:
        first, keys = keys_for(control)
        control.focus()
        control.press(first)
        yield
        for number, key in enumerate(keys, 1):
            control.press(key)
            if number % -(-len(keys) // STOPS) == 0 or number == len(keys):
                yield
        assert has_arrived(control), f"{control.key}: keys do not reach the end"
        if control.kind == "grid":
            control.press("Control+Home")
            yield


def keys_for(control: Control) -> tuple[str, list[str]]:
    """What leads to one end of a control's range, and from there to the other."""
    if control.kind == "grid":  # along the first row and down the last column
        now = control.ask("range")
        right, down = now["columns"] - 1, now["rows"] - 1
        return "Control+Home", ["ArrowRight"] * right + ["ArrowDown"] * down
    if control.kind == "select":
        return "Home", ["ArrowDown"] * (len(control.given["values"]) - 1)
    if control.kind == "checkbox":
        return "Space", ["Space"]
    return "Home", ["ArrowRight"] * control.steps()


def has_arrived(control: Control) -> bool:
    """Whether a slider or a grid is at its end; a list may have grown shorter on the way."""
    if control.kind == "slider":
        return control.ask("range")["now"] == control.given["max"]
    last = control.element.locator("[role=gridcell]").last
    holds_focus = "node => node.contains(document.activeElement)"
    return control.kind != "grid" or last.evaluate(holds_focus)


def move_by_mouse(control: Control) -> Iterator[None]:
    if control.kind in ("number", "text", "file"):
        yield from fill_in(control, control.element.click)
    elif control.kind == "select":
        # The list that opens belongs to the system, where no page's mouse gets: choose without it.
        values = control.given["values"]
        for index in values[:: -(-len(values) // STOPS)]:
            control.choose(index)
            yield
    elif control.kind == "slider":
        yield from drag_to_the_end(control)
    elif control.kind == "grid":
        yield from point_at_cells(control)
    else:
        once = control.members() if control.kind == "choice" else [control.element]
        for each in once * (2 if control.kind == "checkbox" else 1):
            each.click()
            yield


def fill_in(control: Control, enter) -> Iterator[None]:
    """Type a few numbers or a text; the dialog that a field for files opens is the system's."""
    given = control.given
    if control.kind == "file":
        for colour in ("black", "white"):
            with control.page.expect_file_chooser() as chooser:
                enter()
                if enter == control.focus:
                    control.press("Enter")
            chooser.value.set_files(small_png(colour))
            control.page.wait_for_timeout(100)  # until the page has read the file and sent it on
            yield
        return
    if control.kind == "text":
        rounds = [("End", "1", "Enter"), ("End", "Backspace", "Enter")]
    else:
        values = {given["min"], given["max"], (given["now"] or 0) + given["step"]} - {None}
        rounds = [("ControlOrMeta+a", *f"{value:g}", "Enter") for value in values]
    for keys in rounds:
        enter()
        assert control.element.evaluate("node => node === document.activeElement"), control.key
        control.press(*keys)
        yield


def small_png(colour: str) -> dict:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return {"name": f"{colour}.png", "mimeType": "image/png", "buffer": file.getvalue()}


def drag_to_the_end(control: Control) -> Iterator[None]:
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
    assert has_arrived(control), f"{control.key}: the mouse stops early"


def point_at_cells(control: Control) -> Iterator[None]:
    """Over the cells from corner to corner, then a click on the last."""
    now = control.ask("range")
    cells = control.element.locator("[role=gridcell]")
    far = max(now["rows"], now["columns"])
    for step in range(0, far, -(-far // STOPS)):
        row, column = min(step, now["rows"] - 1), min(step, now["columns"] - 1)
        cells.nth(row * now["columns"] + column).hover()
        yield
    cells.last.click()
    yield
