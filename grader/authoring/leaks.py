"""Search a release for what must not be in it: solutions, staff files, markers, outputs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from grader.gradebook.conversion import STAFF, cell_name, read_source
from grader.notebooks.regions import REGIONS, Region
from grader.notebooks.shapes import shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from nbformat import NotebookNode

CACHES = {"__pycache__", ".ipynb_checkpoints", ".pytest_cache"}
TRIVIAL_CHARACTERS = 12  # a shorter line, such as `return image`, gives nothing away
# Lines in a row that are no coincidence: characters of all those that are no idiom, such as a step of training.
# Mutants and recipes build upon what is given, and need to be longer.
PASSAGE_CHARACTERS, VARIANT_CHARACTERS, IDIOM_CHARACTERS = 100, 240, 36
_OFFICIAL = (
    "assignment.toml",
    "check_public.py",
)  # public files that may share more than idioms with the staff's
_MARKER = re.compile(r"\b(BEGIN|END)\s+(SOLUTION|HIDDEN\s+TESTS?|MARK\s+SCHEME)\b", re.IGNORECASE)
_COMMENT = re.compile(r"(^|\s)#.*")
_WORD = re.compile(r"""\w+|[^\w\s,()'"\\]""")
_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LEVEL = re.compile(r"\b(zero_at|full_at)\s*=\s*[\d.]")


def leaks(release_dir: Path, source_dir: Path, regions: Sequence[Region] = REGIONS) -> list[str]:
    """Look for hidden text in a release: solutions, staff files, outputs, markers.

    A line of a solution or of a file in `staff` counts when it is longer than `TRIVIAL_CHARACTERS` and stands nowhere
    in the public part of the source. Somebody may have pasted it there: lines in a row that together are no coincidence
    count all the same, and so does a level. So does code of the shape of a solution, whatever its variables are called. Of checks and levels, assignment.toml, check_public.py and the data cards
    may say what they like.

    Args:
        release_dir: folder of the release.
        source_dir: folder of the source.
        regions: what students do not get of a cell, as the course delimits it.

    Returns:
        One sentence a finding, with file and cell; empty when nothing is given away.
    """
    hidden, secret_files = _hidden(source_dir, regions)
    official, others = _public(source_dir, release_dir, regions)
    hidden = {
        line: origin
        for line, origin in hidden.items()
        if line not in official and (line not in others or _LEVEL.search(line))
    }
    passages = _passages(source_dir, official, regions)
    solved = _solved(source_dir, regions)
    findings = []
    for name, content in sorted(folder_contents(release_dir).items()):
        if STAFF in name.split("/") or content in secret_files:
            findings.append(f"{name}: it is a file of {STAFF}")
            continue
        for where, text in _pieces(release_dir / name):
            location = f"{name}{where}"
            # Anywhere in the text: a comment mark or a quotation before a line hides nothing.
            findings += [
                f"{location}: from {origin}: {line!r}" for line, origin in hidden.items() if line in text
            ]
            words = _words(text.splitlines())
            findings += [
                f"{location}: from {origin}: {len(passage)} lines in a row, the first of them {passage[0]!r}"
                for passage, origin in passages.items()
                if _words(passage) in words and not any(line in hidden and line in text for line in passage)
            ]
            # Of a copy word for word enough was said.
            if not any(finding.startswith(f"{location}: from ") for finding in findings):
                findings += _renamed(location, name, text, solved)
            if any(_begins(line, regions) is not None for line in text.splitlines()):
                findings.append(f"{location}: a marker of hidden text")
        findings += [f"{name}{where}: it has outputs" for where in _with_outputs(release_dir / name)]
    return findings


def folder_contents(folder: Path) -> dict[str, bytes]:
    """Return a folder's files by their path in it, caches left out."""
    files = (path for path in folder.rglob("*") if path.is_file() and not CACHES & set(path.parts))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _hidden(source_dir: Path, regions: Sequence[Region]) -> tuple[dict[str, str], set[bytes]]:
    """Return hidden lines with where they come from, and the contents of the staff's files."""
    lines: dict[str, str] = {}
    for path in sorted(source_dir.glob("*.ipynb")):
        for index, cell in enumerate(read_source(path).cells):
            for line in _split(cell, regions)[1]:
                lines.setdefault(line.strip(), f"the solution in {cell_name(index, cell)}")
    contents = set()
    for name, content in sorted(folder_contents(source_dir / STAFF).items()):
        contents.add(content)
        for _, text in _pieces(source_dir / STAFF / name):
            for line in text.splitlines():
                # Lines of the solution that staff's files repeat keep their first origin.
                lines.setdefault(line.strip(), f"{STAFF}/{name}")
    telling = {line: origin for line, origin in lines.items() if len(line) > TRIVIAL_CHARACTERS}
    # Files as short as an empty module are no secret, and lie everywhere.
    return telling, {content for content in contents if len(content) > TRIVIAL_CHARACTERS}


def _passages(source_dir: Path, official: str, regions: Sequence[Region]) -> dict[tuple[str, ...], str]:
    """Return parts of what is hidden that are too long for a coincidence, with where they come from."""
    passages: dict[tuple[str, ...], str] = {}
    given: set[str] = set()  # what mutants and recipes repeat of the cells that they replace
    for path in sorted(source_dir.glob("*.ipynb")):
        for index, cell in enumerate(read_source(path).cells):
            public, lines = _split(cell, regions)
            if lines:
                given |= {_bare(line) for line in public}
            rows = _rows([_bare(line) for line in lines])
            passages |= dict.fromkeys(rows, f"the solution in {cell_name(index, cell)}")
    shared = _words(official.splitlines())
    for path in sorted((source_dir / STAFF).rglob("*.py")):
        origin = path.relative_to(source_dir).as_posix()
        lines = [_bare(line) for _, text in _pieces(path) for line in text.splitlines()]
        lines = ["" if line in given or line.startswith(("import ", "from ")) else line for line in lines]
        enough = PASSAGE_CHARACTERS if path.parent.name == STAFF else VARIANT_CHARACTERS
        rows = _rows(lines, enough)
        passages |= {row: origin for row in rows if _words(row) not in shared and row not in passages}
    return passages


def _solved(source_dir: Path, regions: Sequence[Region]) -> dict[str, str]:
    """Return the shapes of what solutions do, with where they come from; what public checks do themselves is no secret."""
    solved: dict[str, str] = {}
    for path in sorted(source_dir.glob("*.ipynb")):
        for index, cell in enumerate(read_source(path).cells):
            lines = set(_hidden_lines(cell, regions))
            if cell.cell_type == "code" and lines:
                found = dict.fromkeys(shapes(cell.source, lines), f"the solution in {cell_name(index, cell)}")
                solved = {**found, **solved}
    checks = source_dir / "check_public.py"
    public = shapes(checks.read_text(encoding="utf-8")) if checks.is_file() else {}
    return {shape: origin for shape, origin in solved.items() if shape not in public}


def _renamed(location: str, name: str, text: str, solved: Mapping[str, str]) -> Iterator[str]:
    """Say where a text does, statement by statement, what a solution does, under other names."""
    if not solved or not name.endswith((".py", ".ipynb", ".md")):
        return
    # A cell's text has its metadata in a last line; code may also stand fenced in words.
    codes = [text, text.rpartition("\n")[0], *(match.group(1) for match in _FENCED.finditer(text))]
    for code in codes:
        for shape, line in shapes(code).items():
            if shape in solved:
                first = code.splitlines()[line - 1].strip()
                yield f"{location}: from {solved[shape]}, under other names: {first!r}"
                return


def _rows(lines: list[str], enough: int = PASSAGE_CHARACTERS) -> Iterator[tuple[str, ...]]:
    """Yield, from each line on, as many in a row as are no coincidence; an empty one ends them."""
    for first in range(len(lines)):
        characters = 0
        for last in range(first, len(lines)):
            if not lines[last]:
                break
            characters += len(lines[last]) if len(lines[last]) > IDIOM_CHARACTERS else 0
            if characters >= enough:
                yield tuple(lines[first : last + 1])
                break


def _bare(line: str) -> str:
    """Return a line without indentation, also that of a quotation."""
    return line.strip().lstrip("> ")


def _words(lines: Iterable[str]) -> str:
    """Return the words and signs of lines in a row, each between two blanks.

    Comments are left out, as are line breaks, commas, parentheses and quotation marks: a formatter moves them, and a copy stays
    a copy.
    """
    text = "\n".join(_COMMENT.sub("", _bare(line)) for line in lines)
    return f" {' '.join(_WORD.findall(text))} "


def _public(source_dir: Path, release_dir: Path, regions: Sequence[Region]) -> tuple[str, str]:
    """Return what anybody may read of the source: what describes and checks it, and the rest, with public cells."""
    official = [text for path in (release_dir / "datasets").glob("*.toml") for _, text in _pieces(path)]
    others = ["pass  # YOUR CODE HERE", "YOUR ANSWER HERE"]  # a mutant may have left an exercise undone
    for name in folder_contents(source_dir):
        if STAFF in name.split("/") or name.endswith(".ipynb"):
            continue
        texts = [text for _, text in _pieces(source_dir / name)]
        if name in _OFFICIAL:
            lines = (line for text in texts for line in text.splitlines())
            official += [line for line in lines if not line.startswith("#")]
        else:
            others += texts
    for path in source_dir.glob("*.ipynb"):
        others += ["\n".join(_split(cell, regions)[0]) for cell in read_source(path).cells]
    return "\n".join(official), "\n".join(others)


def _split(cell: NotebookNode, regions: Sequence[Region]) -> tuple[list[str], list[str]]:
    """Split a source cell's lines into public and hidden ones."""
    lines, hidden = cell.source.splitlines(), set(_hidden_lines(cell, regions))
    public = [
        line
        for number, line in enumerate(lines, 1)
        if number not in hidden and _begins(line, regions) is None
    ]
    return public, [line for number, line in enumerate(lines, 1) if number in hidden]


def _hidden_lines(cell: NotebookNode, regions: Sequence[Region]) -> Iterator[int]:
    """Yield the numbers, from 1, of a source cell's lines that students do not get; those of delimiters are none of them."""
    begins = [_begins(line, regions) for line in cell.source.splitlines()]
    whole = bool(cell.metadata.get("nbgrader", {}).get("solution")) and all(begin is None for begin in begins)
    inside = whole
    for number, begin in enumerate(begins, 1):
        if begin is not None:
            inside = begin
        elif inside:
            yield number


def _begins(line: str, regions: Sequence[Region]) -> bool | None:
    """Say whether a line begins a hidden region or ends one; None where it does neither."""
    marker = _MARKER.search(line)
    if marker:
        return marker.group(1).upper() == "BEGIN"
    if any(region.begin in line for region in regions):
        return True
    return False if any(region.end in line for region in regions) else None


def _pieces(path: Path) -> Iterator[tuple[str, str]]:
    """Yield a file's texts with their place: a notebook's cells one by one, other text whole, nothing of the rest."""
    if path.suffix == ".ipynb":
        for index, cell in enumerate(read_source(path).cells):
            # Text can hide in metadata and attachments, too.
            rest = json.dumps([cell.metadata, cell.get("attachments", {})], ensure_ascii=False)
            yield f", {cell_name(index, cell)}", f"{cell.source}\n{rest}"
        return
    try:
        yield "", path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return


def _with_outputs(path: Path) -> list[str]:
    cells = read_source(path).cells if path.suffix == ".ipynb" else []
    return [
        f", {cell_name(i, c)}" for i, c in enumerate(cells) if c.get("outputs") or c.get("execution_count")
    ]
