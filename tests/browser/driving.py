"""JupyterLab and its pages, for the tests of this folder: start, watch, run, look for faults."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

SECONDS = 90
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing but this machine
]
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}
# What Chromium, JupyterLab or its server say on every page, widgets or not; the last, when a page
# is closed before the kernel has answered JupyterLab's own question about its debugger.
EVERYDAY = (
    "favicon.ico",
    "The following font",
    "ResizeObserver loop",
    "Could not restore the debugger state: Canceled future for debug_request",
)
# What anywidget says two seconds after a widget was closed while its script was still loading, and
# JupyterLab, when a notebook is closed before the kernel has answered its question about threads.
CLOSED_EARLY = (
    "[anywidget] Failed to initialize model.",
    "Canceled future for create_subshell_request",
)
AXE = {"resultTypes": ["violations"], "selectors": False, "preload": False, "iframes": False}
PICTURE = ".cnn-basics-picture img"


class Lab:
    """A JupyterLab in a folder of its own, with settings of its own, for a `with` block."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.token = folder, secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}?token={self.token}"

    def __enter__(self) -> Lab:
        config = {
            "ServerApp": {
                "ip": "127.0.0.1",
                "port": self.port,
                "root_dir": str(self.folder),
                "open_browser": False,
                "allow_root": True,
                "terminals_enabled": False,
                "jpserver_extensions": {"cnn_basics.authoring.refresh": True},
            },
            "IdentityProvider": {"token": self.token},
            "LabApp": {
                "app_settings_dir": str(self.folder),
                "user_settings_dir": str(self.folder / "user"),
                "workspaces_dir": str(self.folder / "workspaces"),
                "expose_app_in_browser": True,
                "extension_manager": "readonly",
            },
        }
        for name, content in (("overrides.json", SETTINGS), ("config.json", config)):
            (self.folder / name).write_text(json.dumps(content), encoding="utf-8")
        own = {"JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_CONFIG_DIR": "config", "IPYTHONDIR": "ip"}
        own = {name: str(self.folder / inside) for name, inside in own.items()}
        with (self.folder / "lab.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", f"--config={self.folder / 'config.json'}"],
                env=os.environ | own | {"PYDEVD_DISABLE_FILE_VALIDATION": "1"},
                stdout=log,
                stderr=log,
            )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        end = time.monotonic() + SECONDS
        while True:
            try:
                direct.open(self.url("api/status"), timeout=5).close()
                return self
            except OSError as error:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.__exit__()
                    said = (self.folder / "lab.log").read_text(encoding="utf-8")[-2000:]
                    raise RuntimeError(f"JupyterLab does not answer: {said}") from error
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def open(self, page, name: str = "", cells: tuple[str, ...] = (), own: bool = False) -> None:
        """Open a notebook, or one with these cells, in a page of this JupyterLab; no cell runs."""
        import nbformat.v4 as v4

        if cells:
            name = f"test-{secrets.token_hex(4)}"
            notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
            notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
            (self.folder / f"{name}.ipynb").write_text(v4.writes(notebook), encoding="utf-8")
        ask(page, "open", f"{name}.ipynb", own)
        wait_for_kernel(page)


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def open_browser() -> Iterator:
    """A headless Chromium that reaches nothing but this machine."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find_chromium(), args=OPTIONS)
        yield started
        started.close()


def watch(page, faults: list[str]) -> None:
    """Write down every fault of a page that is opened next, and of its kernel.

    These are console errors, exceptions, and what it asks of other machines; and what callbacks of
    widgets raise in the kernel, which have no cell to show it in: JupyterLab only logs that.
    """

    def on_console(message) -> None:
        if message.type == "error" and not any(e in message.text for e in EVERYDAY):
            faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def on_address(asked) -> None:
        parts = urlsplit(asked.url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname != "127.0.0.1":
            faults.append(f"request to {asked.url}")

    def on_error(error) -> None:
        if not any(early in str(error) for early in CLOSED_EARLY):
            faults.append(f"page: {error}")

    page.on("console", on_console)
    page.on("pageerror", on_error)
    page.on("request", on_address)
    page.on("websocket", on_address)
    page.expose_function("reportFault", lambda fault: faults.append(fault))
    page.add_init_script(path=Path(__file__).with_name("page_side.js"))


def ask(page, function: str, *arguments):
    """Call one of `page_side.js`'s functions."""
    return page.evaluate(
        "([name, given]) => window.lessonTest[name](...given)", [function, list(arguments)]
    )


def command(page, name: str, **arguments):
    """Carry out one of JupyterLab's commands, such as `notebook:run-all-cells`."""
    return page.evaluate(
        "async ([name, given]) => { await jupyterapp.commands.execute(name, given); }",
        [name, arguments],
    )


def run_all(page) -> None:
    """Run every cell, and wait until the kernel has done them; an exception fails the test."""
    wait_for_kernel(page)
    command(page, "notebook:run-all-cells")
    assert ask(page, "errors") == []


def wait_for_kernel(page) -> None:
    """Wait until the kernel of the notebook on the screen has started."""
    page.wait_for_function("() => window.lessonTest.isIdle()", timeout=SECONDS * 1000)


def run_in_kernel(page, code: str) -> str:
    """Run Python in the page's kernel, as no cell, and return what it printed or raised."""
    return ask(page, "runInKernel", code).strip()


def get(page, expression: str) -> str:
    """What the kernel prints of an expression."""
    return run_in_kernel(page, f"print({expression})")


def find_axe_faults(page, selector: str = ".jp-OutputArea-output") -> list[str]:
    """Serious and critical faults that axe-core finds inside `selector`."""
    from axe_playwright_python.base import AXE_SCRIPT

    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    results = page.evaluate("async ([place, how]) => axe.run(place, how)", [selector, AXE])
    return [
        f"{found['id']} ({found['impact']}): {node['html'][:200]}"
        for found in results["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


def use_dark_theme(page, dark: bool = True) -> None:
    command(page, "apputils:change-theme", theme=f"JupyterLab {'Dark' if dark else 'Light'}")
    light = "false" if dark else "true"
    page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")


# --- controls by name, in a page or in one widget, and the picture that the kernel draws ---


def button(place, name: str):
    return place.get_by_role("button", name=name, exact=True)


def control(place, name: str):
    named = place.get_by_label(name, exact=True)
    return named.and_(place.locator("input, select, [role=slider]")).first


def press(place, name: str, *keys: str) -> None:
    """Press keys on a slider, a list or a box to tick."""
    control(place, name).focus()
    for key in keys:
        control(place, name).page.keyboard.press(key)


def click_at(place, name: str, share: float) -> None:
    """Click on a slider's track, from its left end, 0, to its right one, 1."""
    slider = control(place, name)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    slider.page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def choose(place, name: str, option: str) -> None:
    control(place, name).select_option(option)


def wait_for(place, words: str) -> None:
    """Wait until the picture's alt text holds these words."""
    place.locator(f'{PICTURE}[alt*="{words}"]').first.wait_for()


def shown_picture(place) -> str:
    """The picture's pixels, as an address."""
    return place.locator(PICTURE).get_attribute("src")
