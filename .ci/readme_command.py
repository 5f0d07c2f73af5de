"""Print the line of README.md that runs `cnn_basics NAME`, so that CI runs what README says."""

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def find_command(text: str, name: str) -> str:
    """Return the only line `… -m cnn_basics NAME` in the fenced `sh` blocks of Markdown `text`."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    found = [line for line in lines if re.search(rf"-m cnn_basics {re.escape(name)}$", line)]
    if len(found) != 1:
        raise SystemExit(
            f"expected exactly one line ending in '-m cnn_basics {name}' in README.md's "
            f"```sh blocks, got {len(found)}: {found}"
        )
    return found[0]


if __name__ == "__main__":
    print(find_command(README.read_text(encoding="utf-8"), sys.argv[1]))
