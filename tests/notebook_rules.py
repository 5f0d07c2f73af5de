"""What every stored lesson must hold. Each `find_…` returns one sentence for each fault it finds.

A notebook is its parsed JSON (a dict), so that reading one is quick. Rules that need more than the
notebook itself take it as further arguments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

LONGEST_CELL = 15
LONGEST_DEFINITION = 30  # of a cell that defines what is taught, or whose source is folded
LARGEST_FILE = 1_000_000
SHORTEST_ALT = 20
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
GUARD = """\
try:  # first of all, so that the threads of PyTorch sleep while they wait
    import cnn_basics as _
except ImportError as error:
    raise ImportError("take the whole project, then: python3 -m cnn_basics lessons") from error

"""
CELL_METADATA = {"tags", "slideshow", "editable", "deletable", "jupyter"}
REFRESH = "store it with: python3 -m cnn_basics refresh"
REMOTE = r"""(?:https?:)?//"""


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def joined(value) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def source(cell: dict) -> str:
    return joined(cell["source"])


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def cells(nb: dict, kind: str) -> Iterator[tuple[int, dict]]:
    return ((i, cell) for i, cell in enumerate(nb["cells"]) if cell["cell_type"] == kind)


def outputs(nb: dict) -> Iterator[tuple[int, dict]]:
    return ((i, output) for i, cell in cells(nb, "code") for output in cell["outputs"])


def output_text(output: dict) -> str:
    """All that a reader sees of an output as text: streams, errors, and every textual format."""
    data = output.get("data", {})
    shown = [joined(v) for k, v in data.items() if not k.startswith("image/") or "svg" in k]
    error = [output.get("evalue", ""), *output.get("traceback", [])]
    return "\n".join([joined(output.get("text", "")), *shown, *error])


def prose(cell: dict) -> str:
    """A Markdown cell without its code, in which a # is no heading and <img> is no picture."""
    without_blocks = re.sub(r"^```.*?^```", "", source(cell), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", without_blocks)


def headings(nb: dict) -> list[tuple[int, str]]:
    found = []
    for _, cell in cells(nb, "markdown"):
        found += re.findall(r"^(#{1,6})\s+(.*?)\s*#*$", prose(cell), flags=re.MULTILINE)
    return [(len(marks), text) for marks, text in found]


def title(nb: dict) -> str:
    """The title without its number: `# 3 · The convolution layer` gives `The convolution layer`."""
    match = re.match(r"# \d+ · (.+)", source(nb["cells"][0]))
    return match[1].strip() if match else ""


def minutes(nb: dict) -> int | None:
    match = re.search(r"(\d+)\s*min", source(nb["cells"][0]))
    return int(match[1]) if match else None


def find_wrong_order(nb: dict) -> list[str]:
    counts = [cell["execution_count"] for _, cell in cells(nb, "code")]
    wanted = list(range(1, len(counts) + 1))
    return (
        [] if counts == wanted else [f"expected counts 1 to {len(counts)}, got {counts}: {REFRESH}"]
    )


def find_errors(nb: dict) -> list[str]:
    found = []
    for i, cell in cells(nb, "code"):
        raised = any(output["output_type"] == "error" for output in cell["outputs"])
        if raised and "raises-exception" not in tags(cell):
            found.append(f"cell {i} stores an error without the tag raises-exception")
        if not raised and "raises-exception" in tags(cell):
            found.append(f"cell {i} has the tag raises-exception and stores no error")
    return found


def find_stderr(nb: dict) -> list[str]:
    return [
        f"cell {i} stores stderr" for i, output in outputs(nb) if output.get("name") == "stderr"
    ]


def find_empty_cells(nb: dict) -> list[str]:
    return [f"cell {i} is empty" for i, cell in enumerate(nb["cells"]) if not source(cell).strip()]


def find_long_cells(nb: dict) -> list[str]:
    found = []
    for i, cell in cells(nb, "code"):
        folded = cell["metadata"].get("jupyter", {}).get("source_hidden")
        defines = re.search(r"^(?:def|class) ", source(cell), flags=re.MULTILINE)
        most = LONGEST_DEFINITION if folded or defines else LONGEST_CELL
        length = len(source(cell).removeprefix(GUARD).splitlines())
        if length > most:
            found.append(f"cell {i} has {length} lines, over {most}")
    return found


def find_remote(nb: dict) -> list[str]:
    """Pictures, scripts, style sheets, frames and data that come from the network."""
    patterns = [
        rf"!\[[^\]]*\]\(\s*<?{REMOTE}",
        rf"""\b(?:src|srcset|data|poster)\s*=\s*["']?\s*{REMOTE}""",
        rf"""<link\b[^>]*{REMOTE}""",
        rf"""url\(\s*["']?{REMOTE}""",
        rf"""@import\s*["']{REMOTE}""",
        r"<(?:script|iframe|object|embed)\b",
    ]
    texts = [(i, prose(cell)) for i, cell in cells(nb, "markdown")]
    texts += [(i, output_text(output)) for i, output in outputs(nb)]
    found = []
    for i, text in texts:
        hits = (re.search(pattern, text, flags=re.IGNORECASE) for pattern in patterns)
        found += [f"cell {i} loads from elsewhere: {hit[0]!r}" for hit in hits if hit]
        for name in re.findall(r"!\[([^\]]*)\]\[\]|!\[[^\]]*\]\[([^\]]+)\]", text):
            if re.search(rf"^\[{re.escape(max(name))}\]:\s*{REMOTE}", text, flags=re.MULTILINE):
                found.append(f"cell {i} loads the picture {max(name)!r} from elsewhere")
    code = ((i, re.search(r"https?://\S*", source(cell))) for i, cell in cells(nb, "code"))
    return found + [f"cell {i} names an address: {hit[0]!r}" for i, hit in code if hit]


def alts(nb: dict) -> list[tuple[int, str, str]]:
    """Every picture as (cell, what it is, alt text)."""
    found = []
    for i, cell in cells(nb, "markdown"):
        text = prose(cell)
        found += [(i, "a Markdown picture", m) for m in re.findall(r"!\[([^\]]*)\]", text)]
        found += [(i, "an <img>", html_alt(m)) for m in re.findall(r"<img\b[^>]*>", text)]
    for i, output in outputs(nb):
        for kind, content in output.get("data", {}).items():
            if kind.startswith("image/"):
                alt = output.get("metadata", {}).get(kind, {}).get("alt", "")
                found.append((i, f"an {kind} output", alt))
            if kind == "text/html":
                tags_found = re.findall(r"<img\b[^>]*>", joined(content))
                found += [(i, "an <img> output", html_alt(m)) for m in tags_found]
    return found


def html_alt(tag: str) -> str:
    match = re.search(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", tag)
    return (match[1] or match[2] or "") if match else ""


def find_missing_alt(nb: dict) -> list[str]:
    named = {text.strip().lower() for _, text in headings(nb)}
    found = []
    for i, what, alt in alts(nb):
        if len(alt.strip()) < SHORTEST_ALT:
            found.append(f"cell {i}: {what} has alt text {alt!r}: say what it shows")
        elif alt.strip().lower() in named:
            found.append(f"cell {i}: {what} has a heading as alt text {alt!r}: say what it shows")
    return found


def find_shared_alt(nb: dict) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for i, what, alt in alts(nb):
        if alt and alt in seen:
            found.append(
                f"cell {i}: {what} has the alt text of a picture in cell {seen[alt]}: {alt!r}"
            )
        seen.setdefault(alt, i)
    return found


def find_bad_title(nb: dict, name: str) -> list[str]:
    number, first = int(name[:2]), nb["cells"][0]
    wanted = f"# {number} · "
    found = []
    if first["cell_type"] != "markdown" or not source(first).startswith(wanted) or not title(nb):
        found.append(f"expected a first cell that starts with {wanted!r}: {source(first)[:40]!r}")
    if minutes(nb) is None:
        found.append("the first cell does not say how many minutes the lesson takes")
    if not 2 <= len(re.findall(r"^[-*] ", source(first), flags=re.MULTILINE)) <= 5:
        found.append("the first cell does not list the two or three things one can do afterwards")
    return found


def find_missing_sections(nb: dict) -> list[str]:
    present = " / ".join(text.lower() for _, text in headings(nb))
    wanted = ("takeaways", "common mistakes")
    return [f"no section {name!r}" for name in wanted if name not in present]


def find_heading_jumps(nb: dict) -> list[str]:
    levels = [level for level, _ in headings(nb)]
    found = [f"heading level {b} follows {a}" for a, b in pairwise(levels) if b > a + 1]
    if levels.count(1) != 1:
        found.append(f"expected one heading of level 1, got {levels.count(1)}")
    return found


def find_unexplained_code(nb: dict) -> list[str]:
    pairs = enumerate(pairwise(nb["cells"]), start=1)
    return [
        f"cell {i} is code without a Markdown cell before it that says why"
        for i, (before, cell) in pairs
        if cell["cell_type"] == "code" and before["cell_type"] != "markdown"
    ]


def links(nb: dict) -> list[tuple[int, str]]:
    """Every relative link as (cell, file), without its #anchor."""
    found = []
    for i, cell in cells(nb, "markdown"):
        targets = re.findall(r"\]\(\s*<?([^)\s>]+)", prose(cell))
        targets += re.findall(r"""\b(?:href|src)\s*=\s*["']([^"']+)""", prose(cell))
        found += [(i, target.partition("#")[0]) for target in targets]
    local = r"(?![a-z][a-z0-9+.-]*:)(?!//)."
    return [(i, target) for i, target in found if re.match(local, target, flags=re.IGNORECASE)]


def find_broken_links(nb: dict, folder: Path) -> list[str]:
    return [
        f"cell {i} links to {target!r}, which is not there"
        for i, target in links(nb)
        if not (folder / target).exists()
    ]


def find_missing_neighbours(nb: dict, name: str, names: list[str]) -> list[str]:
    """The last cell must link to the lesson before and to the next one."""
    place = names.index(name)
    wanted = {names[i] for i in (place - 1, place + 1) if 0 <= i < len(names)}
    last = len(nb["cells"]) - 1
    linked = {target for i, target in links(nb) if i == last}
    return [
        f"the last cell does not link to {n}" for n in sorted(wanted) if f"{n}.ipynb" not in linked
    ]


def find_unlisted(nb: dict, name: str, listing: str, prefix: str) -> list[str]:
    """A line of `listing` must link to the lesson and give its title and its minutes."""
    link = f"]({prefix}{name}.ipynb)"
    lines = [line for line in listing.splitlines() if link in line]
    if not lines:
        return [f"no line links to {prefix}{name}.ipynb"]
    facts = [line.replace(link, "]") for line in lines if title(nb) in line]
    if any(re.search(rf"\b{minutes(nb)}\b", line.replace(title(nb), "")) for line in facts):
        return []
    return [
        f"no line with a link to {name} gives its title {title(nb)!r} and {minutes(nb)} minutes"
    ]


def find_repeated_definitions(nb: dict, public: set[str]) -> list[str]:
    found = []
    for i, cell in cells(nb, "code"):
        for name in re.findall(r"^\s*(?:def|class)\s+(\w+)", source(cell), flags=re.MULTILINE):
            if name in public:
                found.append(f"cell {i} defines {name}, which the package has: import it")
    return found


def find_pyplot(nb: dict) -> list[str]:
    pattern = r"pyplot|%\s*matplotlib|\bpylab\b"
    return [
        f"cell {i} uses pyplot" for i, cell in cells(nb, "code") if re.search(pattern, source(cell))
    ]


def find_trailing_semicolons(nb: dict) -> list[str]:
    """Jupyter hides the output of a line that ends so, nbval does not."""
    return [
        f"cell {i} ends with a semicolon: write `_ = …` instead"
        for i, cell in cells(nb, "code")
        if source(cell).rstrip().endswith(";")
    ]


def find_unseeded(nb: dict) -> list[str]:
    code = [source(cell) for _, cell in cells(nb, "code")]
    uses_torch = any(
        re.search(r"^\s*(?:import|from) torch\b", text, flags=re.MULTILINE) for text in code
    )
    if uses_torch and not re.search(r"\b(?:torch\.manual_seed|set_seed)\(\d+\)", code[0]):
        return ["the set-up cell (the first with code) does not seed: torch.manual_seed(0)"]
    return []


def find_unguarded(nb: dict) -> list[str]:
    guarded = source(next(cells(nb, "code"))[1]).startswith(GUARD)
    return [] if guarded else [f"the set-up cell (the first with code) does not begin: {GUARD}"]


def find_unreasoned_skips(nb: dict) -> list[str]:
    marker = r"NBVAL_(?:IGNORE_OUTPUT|SKIP)|nbval-(?:ignore-output|skip)"
    return [
        f"cell {i} is not compared, and no comment in it says why (because …)"
        for i, cell in cells(nb, "code")
        if re.search(marker, " ".join([source(cell), *tags(cell)]))
        and not re.search(r"#.*\bbecause\b", source(cell))
    ]


def find_machine_traces(nb: dict) -> list[str]:
    """Absolute paths, memory addresses and process numbers: they differ on every machine."""
    pattern = (
        r"(?<![\w.:/<])/(?:home|Users|root|tmp|usr|opt|var|mnt|private|srv|build)/\S*"
        r"|\b[A-Z]:\\\S*|\bat 0x[0-9a-fA-F]{6,}|\bipykernel_\d+"
    )
    hits = ((i, re.search(pattern, output_text(output))) for i, output in outputs(nb))
    return [f"cell {i} stores {hit[0]!r}" for i, hit in hits if hit]


def find_unstable_metadata(nb: dict) -> list[str]:
    found = []
    if nb["metadata"].get("kernelspec") != KERNEL:
        found.append(f"the kernelspec is not the usual one: {REFRESH}")
    if "version" in nb["metadata"].get("language_info", {}):
        found.append(f"a Python version is stored: {REFRESH}")
    for key in set(nb["metadata"]) - {"kernelspec", "language_info"}:
        found.append(f"metadata {key!r} is stored: {REFRESH}")
    for i, cell in enumerate(nb["cells"]):
        for key in sorted(set(cell["metadata"]) - CELL_METADATA):
            found.append(f"cell {i} stores metadata {key!r}: {REFRESH}")
    return found


def find_format_faults(nb: dict) -> list[str]:
    version = (nb["nbformat"], nb["nbformat_minor"])
    found = [] if version == (4, 5) else [f"expected format 4.5, got {version}"]
    ids = [cell.get("id") for cell in nb["cells"]]
    if None in ids or len(set(ids)) < len(ids):
        found.append("cells lack ids, or share one")
    return found


def find_oversize(size: int) -> list[str]:
    return [f"the file has {size} bytes, over {LARGEST_FILE}"] if size > LARGEST_FILE else []


RULES = [
    find_wrong_order,
    find_errors,
    find_stderr,
    find_empty_cells,
    find_long_cells,
    find_remote,
    find_missing_alt,
    find_shared_alt,
    find_missing_sections,
    find_heading_jumps,
    find_unexplained_code,
    find_pyplot,
    find_trailing_semicolons,
    find_unseeded,
    find_unguarded,
    find_unreasoned_skips,
    find_machine_traces,
    find_unstable_metadata,
    find_format_faults,
]
"""The rules that need nothing but the notebook."""
