"""What every stored lesson must hold: the rules that run with a lesson's own test.

Each function `find_…` is a rule. It yields one sentence for each fault, with the number that
JupyterLab shows beside a cell and what to do.
"""

from __future__ import annotations

import ast
import json
import re
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path

from cnn_basics.authoring import claims
from cnn_basics.authoring.claims import source_of
from cnn_basics.authoring.refresh import KERNEL
from cnn_basics.exercises.content import LESSONS, Exercise, of_lesson

PACKAGE = Path(__file__).resolve().parent.parent / "cnn_basics"
LONGEST_CELL = 15
LONGEST_DEFINITION = 30  # of a cell that defines what is taught, or whose source is folded
LARGEST_FILE = 1_000_000
SHORTEST_ALT = 20
GUARD = """\
try:  # first of all, so that the threads of PyTorch sleep while they wait
    import cnn_basics as _
except ImportError as error:
    raise ImportError("take the whole project, then: python3 -m cnn_basics lessons") from error

"""
CELL_METADATA = {"tags", "slideshow", "editable", "deletable", "jupyter"}
REFRESH = "store it with: python3 -m cnn_basics refresh"
REMOTE = r"(?:https?:)?//"
ELSEWHERE = "loads from elsewhere: {!r}"
NEVER = [  # what stands in no code, text or output, and what is said of a cell where it does
    ("code", r"pyplot|%\s*matplotlib|\bpylab\b", "uses pyplot: use cnn_basics.plots"),
    # Jupyter hides the output of such a line, nbval does not
    ("code", r";\s*\Z", "ends with a semicolon: write `_ = …` instead"),
    ("code", r"https?://\S*", "names an address: {!r}"),
    # pictures, scripts, style sheets, frames and data that come from the network
    ("text output", rf"(?i)!\[[^\]]*\]\(\s*<?{REMOTE}", ELSEWHERE),
    ("text output", rf"""(?i)\b(?:src|srcset|data|poster)\s*=\s*["']?\s*{REMOTE}""", ELSEWHERE),
    ("text output", rf"""(?i)<link\b[^>]*{REMOTE}|url\(\s*["']?{REMOTE}""", ELSEWHERE),
    (
        "text output",
        rf"""(?i)@import\s*["']{REMOTE}|<(?:script|iframe|object|embed)\b""",
        ELSEWHERE,
    ),
    # absolute paths, memory addresses and process numbers
    (
        "output",
        r"(?<![\w.:/<])/(?:home|Users|root|tmp|usr|opt|var|mnt|private|srv|build)/\S*"
        r"|\b[A-Z]:\\\S*|\bat 0x[0-9a-fA-F]{6,}|\bipykernel_\d+",
        "stores {!r}, which differs on every machine",
    ),
]


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def joined(value) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def folded(cell: dict) -> bool:
    return cell["metadata"].get("jupyter", {}).get("source_hidden", False)


def output_text(output: dict) -> str:
    """All that a reader sees of an output as text: streams, errors, and every textual format."""
    data = output.get("data", {})
    shown = [joined(v) for k, v in data.items() if not k.startswith("image/") or "svg" in k]
    error = [output.get("evalue", ""), *output.get("traceback", [])]
    return "\n".join([joined(output.get("text", "")), *shown, *error])


def prose(text: str) -> str:
    """Markdown without its code, in which a # is no heading and <img> is no picture."""
    return re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)


class Lesson:
    """A stored lesson: its texts, code cells and outputs, each with its place in words."""

    def __init__(self, path: Path) -> None:
        self.path, self.name, self.nb = path, path.stem, load(path)
        self.names = sorted(each.stem for each in path.parent.glob("[0-9]*.ipynb"))
        self.cells, number = [], 0  # (place, cell)
        for cell in self.nb["cells"]:
            number += cell["cell_type"] == "code"
            place = f"cell [{number}]" if cell["cell_type"] == "code" else f"text below [{number}]"
            self.cells.append((place, cell))
        self.outputs = [(place, each) for place, c in self.cells for each in c.get("outputs", [])]
        self.code, self.texts = (
            [(place, source_of(cell)) for place, cell in self.cells if cell["cell_type"] == kind]
            for kind in ("code", "markdown")
        )
        self.first = source_of(self.nb["cells"][0])
        title = re.match(r"# \d+ · (.+)", self.first)
        self.title = title[1].strip() if title else ""  # without its number
        minutes = re.search(r"(\d+)\s*min", self.first)
        self.minutes = int(minutes[1]) if minutes else None

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        text = "\n".join(prose(text) for _, text in self.texts)
        found = re.findall(r"^(#{1,6})\s+(.*?)\s*#*$", text, flags=re.MULTILINE)
        return [(len(marks), title) for marks, title in found]

    @property
    def links(self) -> list[tuple[str, str]]:
        """Every relative link as (place, file), without its #anchor."""
        pattern = r"""\]\(\s*<?([^)\s>]+)|\b(?:href|src)\s*=\s*["']([^"']+)"""
        found = [(p, m[1] or m[2]) for p, t in self.texts for m in re.finditer(pattern, prose(t))]
        found = [(place, target.partition("#")[0]) for place, target in found]
        return [(p, target) for p, target in found if re.match(r"(?![\w+.-]*:|//).", target)]

    @property
    def alts(self) -> list[tuple[str, str, str]]:
        """Every picture as (place, what it is, alt text)."""
        texts = [(place, prose(text)) for place, text in self.texts]
        found = [(p, "a picture", a) for p, t in texts for a in re.findall(r"!\[([^\]]*)\]", t)]
        for place, output in self.outputs:
            data, metadata = output.get("data", {}), output.get("metadata", {})
            kinds = [kind for kind in data if kind.startswith("image/")]
            found += [(place, f"an {k} output", metadata.get(k, {}).get("alt", "")) for k in kinds]
            texts.append((place, joined(data.get("text/html", ""))))
        for place, text in texts:
            for tag in re.findall(r"<img\b[^>]*>", text):
                alt = re.search(r"""\balt\s*=\s*(["'])(.*?)\1""", tag, flags=re.DOTALL)
                found.append((place, "an <img>", alt[2] if alt else ""))
        return found


def faults(path: Path) -> list[str]:
    """All that is wrong with a stored lesson, each in one sentence."""
    lesson = Lesson(path)
    rules = [rule for name, rule in globals().items() if name.startswith("find_")]
    return [sentence for rule in rules for sentence in rule(lesson)]


def find_what_never_stands_there(lesson):
    found = {"code": lesson.code, "text": [(place, prose(text)) for place, text in lesson.texts]}
    found["output"] = [(place, output_text(output)) for place, output in lesson.outputs]
    for kinds, pattern, said in NEVER:
        for place, text in (each for kind in kinds.split() for each in found[kind]):
            if hit := re.search(pattern, text):
                yield f"{place} {said.format(hit[0])}"
    for place, text in found["text"]:
        for name in re.findall(r"!\[([^\]]*)\]\[\]|!\[[^\]]*\]\[([^\]]+)\]", text):
            if re.search(rf"^\[{re.escape(max(name))}\]:\s*{REMOTE}", text, flags=re.MULTILINE):
                yield f"{place} loads the picture {max(name)!r} from elsewhere"


def find_bad_runs(lesson):
    code = [(place, cell) for place, cell in lesson.cells if cell["cell_type"] == "code"]
    for number, (place, cell) in enumerate(code, 1):
        count, outputs = cell["execution_count"], cell["outputs"]
        if count != number:
            stored = "was not run" if count is None else f"was run as number {count}"
            yield f"{place} {stored}, so outputs may be those of other code: {REFRESH}"
        raised = any(each["output_type"] == "error" for each in outputs)
        if raised and "raises-exception" not in tags(cell):
            yield f"{place} stores an error without the tag raises-exception"
        if not raised and "raises-exception" in tags(cell):
            yield f"{place} has the tag raises-exception and stores no error"
        if any(each.get("name") == "stderr" for each in outputs):
            yield f"{place} stores stderr: mend what warns there"


def find_bad_code(lesson):
    for place, cell in lesson.cells:
        text = source_of(cell)
        if not text.strip():
            yield f"{place} is empty: delete it"
        if cell["cell_type"] != "code":
            continue
        defines = re.search(r"^(?:def|class) ", text, flags=re.MULTILINE)
        most = LONGEST_DEFINITION if folded(cell) or defines else LONGEST_CELL
        length = len(text.removeprefix(GUARD).splitlines())
        if length > most:
            yield f"{place} has {length} lines, over {most}"
        for name in re.findall(r"^\s*(?:def|class)\s+(\w+)", text, flags=re.MULTILINE):
            if name in public_names():
                yield f"{place} defines {name}, which the package has: import it"
        skips = r"NBVAL_(?:IGNORE_OUTPUT|SKIP)|nbval-(?:ignore-output|skip)"
        if re.search(skips, " ".join([text, *tags(cell)])) and not re.search(r"#.*because", text):
            yield f"{place} is not compared, and no comment in it says why (because …)"
    texts = [text for _, text in lesson.code]
    uses = any(re.search(r"^\s*(?:import|from) torch\b", text, re.MULTILINE) for text in texts)
    if uses and not re.search(r"\b(?:torch\.manual_seed|set_seed)\(\d+\)", texts[0]):
        yield "cell [1], the set-up cell, does not seed: torch.manual_seed(0)"
    if texts and not texts[0].startswith(GUARD):
        yield f"cell [1], the set-up cell, does not begin with\n{GUARD}"
    for (_, before), (place, cell) in pairwise(lesson.cells):
        two = before["cell_type"] == cell["cell_type"] == "code"
        if two and not folded(cell):  # which draws what is above
            yield f"{place} is code without a text before it that says why"


@cache
def public_names() -> set[str]:
    # solutions have the names that learners give answers
    paths = [path for path in PACKAGE.rglob("*.py") if not path.name.startswith("lesson_")]
    nodes = (node for path in paths for node in ast.parse(path.read_text("utf-8")).body)
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def find_bad_alt(lesson):
    named = {text.strip().lower() for _, text in lesson.headings}
    seen: dict[str, str] = {}
    for place, what, alt in lesson.alts:
        if len(alt.strip()) < SHORTEST_ALT or alt.strip().lower() in named:
            yield f"{place}: {what} has the alt text {alt!r}: say what it shows"
        elif alt in seen:
            yield f"{place}: {what} has the alt text of a picture in {seen[alt]}: {alt!r}"
        seen.setdefault(alt, place)


def find_bad_head(lesson):
    text, wanted = lesson.first, f"# {int(lesson.name[:2])} · "
    if not text.startswith(wanted) or not lesson.title:
        yield f"expected a first cell that starts with {wanted!r} and a title: {text[:40]!r}"
    if lesson.minutes is None:
        yield "the first cell does not say how many minutes the lesson takes"
    if not 2 <= len(re.findall(r"^[-*] ", text, flags=re.MULTILINE)) <= 5:
        yield "the first cell does not list the two or three things one can do afterwards"
    present = " / ".join(text.lower() for _, text in lesson.headings)
    for title in ("Takeaways", "Common mistakes"):
        if title.lower() not in present:
            yield f"the section {title!r} is missing"
    levels = [level for level, _ in lesson.headings]
    for one, other in pairwise(levels):
        if other > one + 1:
            yield f"a heading of level {other} follows one of level {one}"
    if levels.count(1) != 1:
        yield f"expected one heading of level 1, got {levels.count(1)}"


def find_bad_links(lesson):
    """Broken links; the last cell links to the lesson before and to the next one."""
    for place, target in lesson.links:
        if not (lesson.path.parent / target).exists():
            yield f"{place} links to {target!r}, which is not there"
    linked = {target for place, target in lesson.links if place == lesson.cells[-1][0]}
    number = lesson.names.index(lesson.name)
    for name in lesson.names[max(number - 1, 0) : number + 2]:
        if name != lesson.name and f"{name}.ipynb" not in linked:
            yield f"the last cell does not link to {name}.ipynb"


def find_unlisted(lesson):
    """README and the first lesson link to each lesson, with its title and its minutes."""
    folder = lesson.path.parent
    lists = {"README.md": ((folder.parent / "README.md").read_text("utf-8"), "notebooks/")}
    if lesson.name != lesson.names[0]:
        start = Lesson(folder / f"{lesson.names[0]}.ipynb")
        lists[start.path.name] = "\n".join(text for _, text in start.texts), ""
    for where, (listing, prefix) in lists.items():
        link = f"]({prefix}{lesson.name}.ipynb)"
        lines = [line.replace(link, "]") for line in listing.splitlines() if link in line]
        facts = [line.replace(lesson.title, "") for line in lines if lesson.title in line]
        if not any(re.search(rf"\b{lesson.minutes}\b", line) for line in facts):
            row = f"[{lesson.title}{link} and {lesson.minutes} minutes"
            yield f"{where} has no line with {row}: add one, or correct it"


def find_unstable_format(lesson):
    metadata = lesson.nb["metadata"]
    if metadata.get("kernelspec") != KERNEL:
        yield f"the kernelspec is not the usual one: {REFRESH}"
    if "version" in metadata.get("language_info", {}):
        yield f"a Python version is stored: {REFRESH}"
    for key in sorted(set(metadata) - {"kernelspec", "language_info"}):
        yield f"metadata {key!r} is stored: {REFRESH}"
    for place, cell in lesson.cells:
        for key in sorted(set(cell["metadata"]) - CELL_METADATA):
            yield f"{place} stores metadata {key!r}: {REFRESH}"
    version = (lesson.nb["nbformat"], lesson.nb["nbformat_minor"])
    if version != (4, 5):
        yield f"expected format 4.5, got {version}: {REFRESH}"
    ids = [cell.get("id") for cell in lesson.nb["cells"]]
    if None in ids or len(set(ids)) < len(ids):
        yield "cells lack ids, or share one: copy no cell in a text editor"
    size = lesson.path.stat().st_size
    if size > LARGEST_FILE:
        yield f"the file has {size} bytes, over {LARGEST_FILE}: show fewer or smaller pictures"


def find_unbound_numbers(lesson):
    texts = [*lesson.texts, *(("the notes", note.text) for note in claims.read_notes(lesson.name))]
    for place, text in texts:
        for words in claims.find_unbound(text):
            yield f"{place}: {words!r} binds no number: write it in digits right before <!--="
        for claim in claims.find_claims(text):
            try:
                compile(claim.expression, lesson.name, "eval")
            except SyntaxError:
                yield f"{place}: `{claim.expression}` behind {claim.stated} is no Python"


def find_bad_notes(lesson):
    headings = [f"{'#' * level} {text}" for level, text in lesson.headings if level < 3]
    notes, where = claims.read_notes(lesson.name), f"cnn_basics/authoring/notes/{lesson.name}.md"
    noted = [note.heading for note in notes]
    for heading in headings:
        if heading not in noted:
            yield f"{where} has no note for {heading!r}: add one, with its minutes"
    for heading in noted:
        if heading not in headings:
            yield f"{where} has a note for {heading!r}, which is no heading of the lesson"
    minutes = sum(note.minutes for note in notes)
    if minutes != lesson.minutes:
        yield f"{where}: the minutes add up to {minutes}, and the lesson says {lesson.minutes}"


def find_bad_exercises(lesson):
    """What the lesson asks stands in it as the package has it, in order."""
    number = int(lesson.name[:2])
    asked = of_lesson(number) if number in LESSONS else ()
    cells = [(p, cell) for p, cell in lesson.cells if "exercise" in tags(cell)]
    found = re.findall(r'exercises\.(?:check|ask)\("([^"]+)"', "".join(t for _, t in lesson.code))
    wanted, texts = [each.name for each in asked], [text for _, text in lesson.texts]
    if found != wanted and sorted(found) == wanted:
        yield f"the exercises stand in the order {', '.join(found)}"
    for name in found:
        if name not in wanted:
            yield f"exercise {name} is asked, but is not in cnn_basics/exercises"
    for each in asked:
        if each.name not in found:
            yield f"exercise {each.name} is missing"
            continue
        own = [(place, cell) for place, cell in cells if source_of(cell) == each.cell]
        if not own:
            yield f"exercise {each.name} has no cell, tagged exercise, with just\n{each.cell}"
        heading = f"### {each.name} · {each.title}\n\n*{each.levels}*"
        if heading not in texts:
            yield f"exercise {each.name} has no text before its cell with just\n{heading}"
        for place, cell in own if isinstance(each, Exercise) else ():
            said = " ".join(" ".join(output_text(out) for out in cell["outputs"]).split())
            if f"not attempted yet {each.asks}" not in said:
                yield f"{place} does not show what {each.name} asks: {REFRESH}"
