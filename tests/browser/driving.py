"""JupyterLab and its pages, for the tests of this folder: start, watch, run, look for faults."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

SECONDS = 90
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
# What anywidget says two seconds after a widget was closed while its script was still loading.
CLOSED_EARLY = "[anywidget] Failed to initialize model."


class Lab:
    """A JupyterLab in a folder of its own, with settings of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        settings = folder / "settings"
        settings.mkdir()
        (settings / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        self.log = (folder / "lab.log").open("wb")
        self.process = subprocess.Popen(
            self._command(settings), env=self._environment(), stdout=self.log, stderr=self.log
        )

    def _command(self, settings: Path) -> list[str]:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": self.folder,
            "ServerApp.open_browser": False,
            "ServerApp.allow_root": True,
            "ServerApp.terminals_enabled": False,
            "IdentityProvider.token": self.token,
            "LabApp.app_settings_dir": settings,
            "LabApp.user_settings_dir": self.folder / "user",
            "LabApp.workspaces_dir": self.folder / "workspaces",
            "LabApp.expose_app_in_browser": True,
            "LabApp.extension_manager": "readonly",
        }
        return [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in options.items())]

    def _environment(self) -> dict[str, str]:
        own = {"JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_CONFIG_DIR": "config", "IPYTHONDIR": "ip"}
        quiet = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        return os.environ | {k: str(self.folder / v) for k, v in own.items()} | quiet

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> None:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        end = time.monotonic() + SECONDS
        while True:
            try:
                direct.open(f"{self.url}/api/status?token={self.token}", timeout=5).close()
                return
            except OSError as error:
                if time.monotonic() > end or self.process.poll() is not None:
                    said = (self.folder / "lab.log").read_text(encoding="utf-8")[-2000:]
                    raise RuntimeError(f"JupyterLab does not answer: {said}") from error
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def change(self, name: str, change: Callable) -> None:
        """Let a function change a notebook that is there."""
        import nbformat

        path = self.folder / f"{name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        change(notebook)
        nbformat.write(notebook, path)

    def write(self, name: str, cells: tuple[str, ...]) -> None:
        import nbformat.v4 as v4

        nb = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
        nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
        (self.folder / f"{name}.ipynb").write_text(v4.writes(nb), encoding="utf-8")


def watch(page, faults: list[str]) -> None:
    """Write down every fault of a page: what it reports, and what it asks of other machines."""

    def on_console(message) -> None:
        if message.type == "error" and not any(e in message.text for e in EVERYDAY):
            faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def on_address(asked) -> None:
        if is_foreign(asked.url):
            faults.append(f"request to {asked.url}")

    def on_error(error) -> None:
        if CLOSED_EARLY not in str(error):
            faults.append(f"page: {error}")

    page.on("console", on_console)
    page.on("pageerror", on_error)
    page.on("request", on_address)
    page.on("websocket", on_address)


def watch_kernel(page, faults: list[str]) -> None:
    """Write down every exception that a callback of a widget raises in the page's kernel.

    Python's side of a widget has no cell to show its exceptions in: JupyterLab only logs them.
    """
    page.evaluate(Path(__file__).with_name("page_side.js").read_text(encoding="utf-8"))
    page.expose_function("reportFault", lambda fault: faults.append(fault))
    page.evaluate("() => window.lessonTest.follow()")


def is_foreign(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob", "about") and parts.hostname != "127.0.0.1"


def command(page, name: str, arguments: dict | None = None):
    """Carry out one of JupyterLab's commands, such as `notebook:run-all-cells`."""
    return page.evaluate(
        "async ([name, given]) => { await jupyterapp.commands.execute(name, given); }",
        [name, arguments or {}],
    )


def run_all(page) -> None:
    """Run every cell, and wait until the kernel has done them; an exception fails the test."""
    wait_for_kernel(page)
    command(page, "notebook:run-all-cells")
    assert find_exceptions(page) == []


def wait_for_kernel(page) -> None:
    """Wait until the kernel of the notebook on the screen has started."""
    page.wait_for_function(
        "() => jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel"
        "?.status === 'idle'",
        timeout=SECONDS * 1000,
    )


def find_exceptions(page) -> list[str]:
    """What the cells of the notebook raised."""
    script = """() => {
        const model = jupyterapp.shell.currentWidget.content.model;
        const cells = [...model.cells].filter((cell) => cell.type === "code");
        const outputs = cells.flatMap((cell) => cell.outputs.toJSON());
        const raised = outputs.filter((output) => output.output_type === "error");
        return raised.map((output) => `${output.ename}: ${output.evalue}`);
    }"""
    return page.evaluate(script)


def run_in_kernel(page, code: str) -> str:
    """Run Python in the page's kernel, as no cell, and return what it printed.

    JupyterLab's kernels hear widgets in a thread of their own, beside the one that runs this code:
    whoever asks while a widget's message is under way is told half of what it changes. So wait
    until all of them are answered.
    """
    script = """async (code) => {
        await window.lessonTest.answered();
        const kernel = jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
        const future = kernel.requestExecute({ code, store_history: false });
        let text = "";
        future.onIOPub = ({ header, content }) => {
            if (header.msg_type === "stream") text += content.text;
            if (header.msg_type === "error") text += content.traceback.join("\\n");
        };
        await future.done;
        return text;
    }"""
    return page.evaluate(script, code)


def find_axe_faults(page, selector: str) -> list[str]:
    """Serious and critical faults that axe-core finds inside `selector`."""
    from axe_playwright_python.sync_playwright import Axe

    results = Axe().run(page, context=selector).response["violations"]
    return [
        f"{found['id']} ({found['impact']}): {node['html'][:200]}"
        for found in results
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


def use_dark_theme(page) -> None:
    command(page, "apputils:change-theme", {"theme": "JupyterLab Dark"})
    page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")
