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
PRESSES = {"button": ("Enter", "Space"), "checkbox": ("Space", "Space"), "choice": ("Space",)}


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
        inside = self.element.locator("[tabindex='0']").first
        (inside if self.kind == "grid" else self.element).focus()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def rest(self) -> None:
        """Take the pointer off the widget, where it may light something up."""
        self.page.mouse.move(0, 0)

    def state(self) -> dict:
        """Where it stands, and what the widget shows without it, once everything has answered."""
        return self.ask("state")

    def choose(self, index: int) -> None:
        """Choose from a list, unless the list, or what it offered, is no longer there."""
        now = self.state()
        if not now["gone"] and index in now["values"]:
            self.element.select_option(index=index)

    def put(self, value: float | None) -> None:
        """Put a list, a slider or a number to a value, and wait for what follows from it."""
        if self.kind == "select":
            self.choose(value)
        elif self.kind in ("slider", "number") and value is not None:
            self.ask("setValue", value)
        self.state()


def count_open(page) -> str:
    """How many lines to the page, and how many widgets, the kernel holds."""
    return run_in_kernel(page, COUNT)


def scan(page, cell: int) -> list[Control]:
    found = ask(page, "scan", cell)
    return [Control(page, cell, each["kind"], each["key"], each) for each in found]


def ready(controls: list[Control], *kinds: str) -> list[Control]:
    """Those that are not switched off, of these kinds or of all."""
    return [c for c in controls if not c.given["disabled"] and (not kinds or c.kind in kinds)]


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
        able = ready(left) or enable(page, cell, {control.key for control in left})
        if not able or len(done - set(first)) >= MOST_NEW_CONTROLS:
            return faults + [f"{each.key}{NEVER}" for each in left if each.given["disabled"]]
        # Those that a button brought come last, and buttons, which may take others away.
        control = min(able, key=lambda each: (each.key not in first, each.kind == "button"))
        done.add(control.key)
        faults += move(control)


def enable(page, cell: int, keys: set[str]) -> list[Control]:
    """Choose from every list until one of these controls can be moved; return those that can."""
    for other in ready(scan(page, cell), "select") if keys else []:
        for index in other.given["values"]:
            other.put(index)
            able = [control for control in ready(scan(page, cell)) if control.key in keys]
            if able:
                return able
    return []


def move(control: Control) -> list[str]:
    """Move one control by keys, then by mouse; return one sentence for each fault."""
    control.rest()
    faults = find_focus_faults(control)
    for way in ("keys", "mouse"):
        before = control.state()
        if control.key in WAITING or before["gone"] or control.ask("isDisabled"):
            break  # as a button may be after its work, which removes a row or moves it to the top
        answered = answers(control, way, before)
        if not answered:
            disturb(control)
            before = control.state()
            answered = not before["gone"] and answers(control, way, before)
        if not answered:
            faults.append(f"{control.key} is dead, moved by {way}")
    return faults


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


def answers(control: Control, way: str, before: dict) -> bool:
    """Move a control over its range and put it back; return whether the widget looked different."""
    answered = False
    for _ in moves(control, way):
        if answered and control.kind not in PRESSES:  # as those may be gone after any press
            continue
        now = control.state()
        answered |= now["shown"] != before["shown"]
        if now["gone"]:
            return answered
    control.rest()
    control.put(before.get("now"))
    return answered


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
        elif other.kind == "select":
            other.put(next((i for i in other.given["values"] if i != other.given["now"]), 0))
    scan(control.page, control.cell)


def find_quick_faults(controls: list[Control]) -> list[str]:
    """Press keys faster than the kernel draws; the widget must end with the last value, and soon.

    The last keys go downwards. What the same value shows when it is reached slowly, from one side
    and from the other, tells whether it is right.
    """
    faults = []
    for control in ready(controls, "slider", "select")[:1]:
        up, down = "ArrowRight", "ArrowLeft"
        if control.kind == "select":
            up, down = "ArrowDown", "ArrowUp"
        far = min(12, count_steps(control))
        back = min(4, max(far - 1, 1))
        control.rest()
        before = control.state()
        control.focus()
        control.press("Home")
        control.state()
        ask(control.page, "watchPictures", control.cell)
        control.press(*[up, down] * ((20 - far - back) // 2), *[up] * far, *[down] * back)
        quick = control.state()
        late = ask(control.page, "picturesAfterKeys")
        if late > MOST_LATE_PICTURES:
            faults.append(f"{control.key}: {late} pictures after the last key")
        for keys in ((up, down), (down, up)):
            for key in keys:
                control.press(key)
                slow = control.state()
            if slow["now"] == quick["now"] and slow != quick:
                faults.append(f"{control.key}: quick keys leave what belongs to another value")
        control.put(before["now"])
    return faults


# --- the moves: each rests where the widget should have answered ---


def moves(control: Control, way: str) -> Iterator[None]:
    """Move a control over its range, by keys or by mouse."""
    if control.kind in PRESSES:
        return push(control, way)
    if control.kind in ("number", "text", "file"):
        return fill_in(control, control.focus if way == "keys" else control.element.click)
    by_mouse = {"slider": drag, "select": choose_some, "grid": point_at_cells}
    return walk(control) if way == "keys" else by_mouse[control.kind](control)


def push(control: Control, way: str) -> Iterator[None]:
    """A button or a box to tick, twice; the buttons of which one can be chosen, the last first."""
    members = [control.element]
    if control.kind == "choice":
        together = control.page.locator("[role=radiogroup]").filter(has=control.element)
        members = together.locator("input").all()[::-1]
    for member in members:
        for key in PRESSES[control.kind]:
            if way == "mouse":
                member.click()
            else:
                member.focus()
                control.press(key)
            yield
            if control.ask("isDisabled"):
                return


def walk(control: Control) -> Iterator[None]:
    """By keys to one end of the range, and from there to the other."""
    control.focus()
    now = control.ask("range")
    first, keys = "Home", ["ArrowRight"] * count_steps(control)
    if control.kind == "select":
        keys = ["ArrowDown"] * (len(control.given["values"]) - 1)
    elif control.kind == "grid":  # along the first row and down the last column
        right, down = now["columns"] - 1, now["rows"] - 1
        first, keys = "Control+Home", ["ArrowRight"] * right + ["ArrowDown"] * down
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


def count_steps(control: Control) -> int:
    if control.kind == "grid":
        return 0
    low, high, step = (control.given[name] for name in ("min", "max", "step"))
    assert high > low, f"{control.key} has only one value"
    return round((high - low) / step)


def has_arrived(control: Control) -> bool:
    """Whether a slider or a grid is at its end; a list may have grown shorter on the way."""
    if control.kind == "slider":
        return control.ask("range")["now"] == control.given["max"]
    last = control.element.locator("[role=gridcell]").last
    holds_focus = "node => node.contains(document.activeElement)"
    return control.kind != "grid" or last.evaluate(holds_focus)


def choose_some(control: Control) -> Iterator[None]:
    """The list that opens belongs to the system, where no page's mouse gets: choose without it."""
    values = control.given["values"]
    for index in values[:: -(-len(values) // STOPS)]:
        control.choose(index)
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
    rounds = [("End", "1", "Enter"), ("End", "Backspace", "Enter")]
    if control.kind == "number":
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


def drag(control: Control) -> Iterator[None]:
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
