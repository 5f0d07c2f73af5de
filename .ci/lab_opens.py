"""Wait for the JupyterLab at URL with TOKEN, and check that it offers every lesson and a kernel."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from pathlib import Path

SECONDS = 90
NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetch(address: str) -> tuple[str, bytes]:
    """Return where `address` leads to and what is there."""
    with DIRECT.open(address, timeout=10) as answer:
        return answer.url, answer.read()


def wait_until_up(url: str, token: str) -> None:
    end = time.monotonic() + SECONDS
    while True:
        try:
            fetch(f"{url}/api/status?token={token}")
            return
        except OSError:
            if time.monotonic() > end:
                raise SystemExit(f"no JupyterLab at {url} after {SECONDS} seconds") from None
            time.sleep(0.5)


def main(url: str, token: str) -> None:
    wait_until_up(url, token)
    content = json.loads(fetch(f"{url}/api/contents/notebooks?token={token}")[1])["content"]
    offered = {item["name"] for item in content if item["type"] == "notebook"}
    lessons = {path.name for path in NOTEBOOKS.glob("*.ipynb")}
    if not lessons or offered != lessons:
        raise SystemExit(f"expected the lessons {sorted(lessons)}, got {sorted(offered)}")
    kernels = json.loads(fetch(f"{url}/api/kernelspecs?token={token}")[1])["kernelspecs"]
    if "python3" not in kernels:
        raise SystemExit(f"expected a kernel python3, got {sorted(kernels)}")
    page, text = fetch(f"{url}/?token={token}")
    if "/lab/tree/notebooks/00_start_here.ipynb" not in page or b"JupyterLab" not in text:
        raise SystemExit(f"expected JupyterLab on 00_start_here, got {page}")
    print(f"JupyterLab answers and offers {len(offered)} lessons")


if __name__ == "__main__":
    main(*sys.argv[1:])
