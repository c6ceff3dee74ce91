"""Cells that several students share: the same code, or the same numbers printed by training that no seed fixes.

Nothing is run: it reads the stored attempts, damaged ones as far as they can be read. Equal code can have innocent
reasons, so this is a list to look at, and no verdict.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import itertools
import json
import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from grader import confined
from grader.confined import Bounds, Broken
from grader.errors import SubmissionError
from grader.files import read_bytes
from grader.notebooks.raw_json import MAX_NOTEBOOK_BYTES, cells_of, parse

OWN_TOKENS = 20  # that a cell must have beyond the release's cell: shorter ones look alike by themselves
OWN_DIGITS = 12  # in printed fractions, of an output that is no coincidence
COMMON = 10  # students: what more of them share comes from a lecture or a book, and no pairs are made of it
MAX_TEXT = 200_000  # characters of a cell's source or output that are read
MAX_TEXTS = 1_000_000  # of all cells together: looking at more takes seconds
REMEMBERED_CHARS = 5_000  # of a cell whose tokens are kept: many students have the same
BOUNDS = Bounds(cpu_s=5, memory_mb=400, answer_mb=16)

Kind = Literal["same code", "renamed", "same output"]

# A string that does not end runs to the end of its line, or of the cell: what was looked at once is not looked at again.
_TOKEN = re.compile(
    r"""(?P<blank>\#[^\n]*|\\\n|[^\S\n]+)|(?P<newline>\n)
    |(?P<string>[rRbBfFuU]{0,2}(?:\"{3}(?:[^"\\]++|\\.|"(?!""))*+(?:\"{3}|\\?\Z)|'{3}(?:[^'\\]++|\\.|'(?!''))*+(?:'{3}|\\?\Z)
        |"(?:[^"\\\n]++|\\.)*+(?:"|(?=\n)|\\?\Z)|'(?:[^'\\\n]++|\\.)*+(?:'|(?=\n)|\\?\Z)))
    |(?P<number>\d[\w.]*)|(?P<name>\w+)|(?P<operator>[-+*/%@&|^<>=!:]=|\*\*|//|->|.)""",
    re.VERBOSE | re.DOTALL,
)
_FRACTION = re.compile(r"(?<!\d)\d+\.\d+(?:e[-+]?\d+)?")  # not from every digit of a long number again
_KNOWN = frozenset(keyword.kwlist) | frozenset(dir(builtins))


@dataclass(frozen=True)
class Cell:
    """A code cell as it lies in a file.

    Attributes:
        name: nbgrader's `grade_id`, or which code cell it is.
        source: its code.
        output: what it printed and returned, as text.
    """

    name: str
    source: str
    output: str = ""


@dataclass(frozen=True)
class Work:
    """One student's stored attempt.

    Attributes:
        student: nbgrader's student id.
        submitted: code cells as handed in, with the outputs of the student's own run.
        executed: code cells as the grader ran them.
    """

    student: str
    submitted: tuple[Cell, ...]
    executed: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Shared:
    """One cell that several students have.

    Attributes:
        kind: the same code, the same but for names, or the same output.
        students: who has it, sorted.
        cells: its name in each one's notebook, in the same order.
        excerpt: its first telling lines.
        model: whether the reference solution has it too: then there may be one obvious way.
    """

    kind: Kind
    students: tuple[str, ...]
    cells: tuple[str, ...]
    excerpt: str
    model: bool = False


@dataclass(frozen=True)
class Pair:
    """Two students with cells in common that few others have, and that are not the reference solution's.

    Attributes:
        students: both.
        shared: how many cells have the same code, or the same but for names.
        outputs: how many outputs are the same.
        share: of the own cells of the one who has fewer.
    """

    students: tuple[str, str]
    shared: int
    outputs: int
    share: float


@dataclass(frozen=True)
class Report:
    """What students share.

    Attributes:
        own: by student, how many cells are their own work and long enough to be compared.
        shared: cells that several have, rare ones first.
        pairs: most in common first.
    """

    own: Mapping[str, int]
    shared: tuple[Shared, ...]
    pairs: tuple[Pair, ...]


def read_cells(path: Path) -> tuple[Cell, ...] | None:
    """Return a notebook's code cells as far as the file can be read; nothing of one that is no notebook.

    None: looking at it takes more memory or time than any honest notebook does.
    """
    try:
        content = read_bytes(path, MAX_NOTEBOOK_BYTES)
    except (OSError, SubmissionError):
        return ()
    answer = confined.run(listed, content, BOUNDS)
    return None if isinstance(answer, Broken) else tuple(Cell(*fields) for fields in json.loads(answer))


def listed(content: bytes) -> bytes:
    """Do the work of `read_cells` in a limited process; what it returns is JSON."""
    try:
        # Broken UTF-8 is replaced: a damaged notebook is read as far as it goes.
        raw = parse(content.decode("utf-8-sig", "replace").encode())
    except SubmissionError:
        return b"[]"
    code = [cell for cell in cells_of(raw) if _in(cell, "cell_type") == "code"]
    rows, left_chars = [], MAX_TEXTS
    for number, cell in enumerate(code, start=1):
        parsed = _cell(cell, number)
        # Beyond the budget a cell keeps its name and has no text, so that nothing of it is compared.
        left_chars -= len(parsed.source) + len(parsed.output)
        rows.append((parsed.name, parsed.source, parsed.output) if left_chars >= 0 else (parsed.name, "", ""))
    return json.dumps(rows).encode()


def _cell(cell: Any, number: int) -> Cell:  # noqa: ANN401 - JSON
    name = _in(_in(_in(cell, "metadata"), "nbgrader"), "grade_id")
    source = _text(_in(cell, "source") or _in(cell, "input"))  # `input` in notebooks of format 3
    outputs = _list(_in(cell, "outputs"))
    texts = (_text(_in(output, "text") or _in(_in(output, "data"), "text/plain")) for output in outputs)
    cell_name = name[:80] if isinstance(name, str) and name else f"code cell {number}"
    return Cell(cell_name, source, "\n".join(texts)[:MAX_TEXT])


def _in(value: Any, key: str) -> Any:  # noqa: ANN401 - JSON
    return value.get(key) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    lines = (line for line in _list(value) if isinstance(line, str))
    return (value if isinstance(value, str) else "".join(lines))[:MAX_TEXT]


@dataclass
class _Places:
    """The students who have the same code or output, and an excerpt of it."""

    by_student: dict[str, str] = field(default_factory=dict)
    excerpt: str = ""
    model: bool = False


def compare(works: Sequence[Work], release: Iterable[Cell], model: Iterable[Cell] = ()) -> Report:
    """Find the cells that students share, apart from what the release gave them.

    Args:
        works: one a student.
        release: code cells as released.
        model: code cells of the reference solution.

    Returns:
        The report; time grows with the number of cells, not with that of pairs of students.
    """
    released = tuple(release)
    # A cell that the release began is measured by what was added to it.
    stubs = {cell.name: Counter(tokens(cell.source)) for cell in released}
    given = {_digest(tokens(cell.source)) for cell in released}
    public = frozenset(token for cell in released for token in tokens(cell.source))
    model_digests = {_digest(tokens(cell.source)) for cell in model}
    same: dict[str, _Places] = defaultdict(_Places)
    alike: dict[str, _Places] = defaultdict(_Places)
    own_counts: dict[str, int] = {}
    for work in works:
        own_counts[work.student] = 0
        for cell in work.submitted:
            cell_tokens = tokens(cell.source)
            if (Counter(cell_tokens) - stubs.get(cell.name, Counter())).total() < OWN_TOKENS:
                continue
            exact = _digest(cell_tokens)
            if exact in given:
                continue
            own_counts[work.student] += 1
            loose = _digest(_renamed(cell_tokens, public))
            for places, key in ((same, exact), (alike, loose)):
                holders = places[key]
                # The first one counts: a copy within one notebook is nothing shared.
                holders.by_student.setdefault(work.student, cell.name)
                holders.excerpt = holders.excerpt or _excerpt(cell.source)
                holders.model |= exact in model_digests
    printed = _printed(works, released)
    shared = [*_groups("same code", same)]
    # The same cells of the same students are listed once, under the stronger kind.
    listed = {(group.students, group.cells) for group in shared}
    shared += [group for group in _groups("renamed", alike) if (group.students, group.cells) not in listed]
    shared += _groups("same output", printed)
    # Last what the model solution has, too, and what many share: these say least.
    shared.sort(key=lambda group: (group.model, len(group.students), group.kind, group.students))
    return Report(own_counts, tuple(shared), tuple(_pairs(shared, own_counts)))


def _groups(kind: Kind, places: Mapping[str, _Places]) -> Iterator[Shared]:
    for holders in places.values():
        if len(holders.by_student) > 1:
            students = tuple(sorted(holders.by_student))
            cells = tuple(holders.by_student[student] for student in students)
            yield Shared(kind, students, cells, holders.excerpt, holders.model)


def _pairs(shared: Sequence[Shared], own_counts: Mapping[str, int]) -> list[Pair]:
    code: dict[tuple[str, str], set[str]] = defaultdict(set)
    outputs: Counter[tuple[str, str]] = Counter()
    for group in shared:
        if group.model or len(group.students) > COMMON:
            continue
        # At most COMMON students, so 45 pairs a group: the time does not grow with the square of the class.
        named = zip(group.students, group.cells, strict=True)
        for (first, cell), (second, _) in itertools.combinations(named, 2):
            if group.kind == "same output":
                outputs[first, second] += 1
            else:
                code[first, second].add(cell)
    pairs = [
        Pair(
            pair,
            len(code[pair]),
            outputs[pair],
            len(code[pair]) / max(1, min(own_counts[name] for name in pair)),
        )
        for pair in sorted({*code, *outputs})
    ]
    return sorted(pairs, key=lambda pair: (-pair.outputs, -pair.share, -pair.shared, pair.students))


def _printed(works: Sequence[Work], released: Sequence[Cell]) -> dict[str, _Places]:
    """Group outputs with many digits that no run of the grader printed."""
    # What a run of the grader printed follows from code and seed: it proves nothing.
    reproduced = {line for cell in released for line in _lines(cell.output)}
    reproduced.update(line for work in works for cell in work.executed for line in _lines(cell.output))
    by_digest: dict[str, _Places] = defaultdict(_Places)
    for work in works:
        for cell in work.submitted:
            lines = [
                line for line in _lines(cell.output) if line not in reproduced and _FRACTION.search(line)
            ]
            # All but the point.
            digits = sum(len(number) - 1 for line in lines for number in _FRACTION.findall(line))
            if digits >= OWN_DIGITS:
                holders = by_digest[hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()]
                holders.by_student.setdefault(work.student, cell.name)
                holders.excerpt = holders.excerpt or _excerpt("\n".join(lines))
    return by_digest


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _excerpt(text: str) -> str:
    lines = [line for line in _lines(text) if not line.startswith("#")]
    return "\n".join(line[:100] for line in lines[:3])


def tokens(source: str) -> tuple[str, ...]:
    """Return the tokens of code without its formatting: no comments, docstrings, blank lines, quotes, last commas.

    It is no parser: code that is none, or with commands of IPython, has tokens too.
    """
    return _remembered(source) if len(source) <= REMEMBERED_CHARS else _tokens(source)


@functools.lru_cache(maxsize=4096)
def _remembered(source: str) -> tuple[str, ...]:
    return _tokens(source)


def _tokens(source: str) -> tuple[str, ...]:
    code_tokens: list[str] = []
    at_start, depth = True, 0  # at the start of a statement; inside brackets
    for match in _TOKEN.finditer(source):
        kind, text = match.lastgroup, match[0]
        if kind == "blank":
            continue
        if kind == "newline":
            if depth == 0:
                _drop_docstring(code_tokens)
                at_start = True
            continue
        if kind == "string":
            # The mark for `_drop_docstring`: no other token begins with a line break.
            text = ("\n" if at_start else "") + _unquoted(text)
        elif text in "([{":
            depth += 1
        elif text in ")]}":
            depth = max(0, depth - 1)
            # A last comma is formatting.
            if code_tokens and code_tokens[-1] == ",":
                code_tokens.pop()
        code_tokens.append(text)
        at_start = False
    _drop_docstring(code_tokens)
    return tuple(code_tokens)


def _drop_docstring(code_tokens: list[str]) -> None:
    """Remove a string that is a statement: it was marked where the statement began, and nothing followed it."""
    if code_tokens and code_tokens[-1].startswith("\n"):
        code_tokens.pop()


def _unquoted(text: str) -> str:
    """Return a string with its kind in small letters, and without the choice of quotes."""
    body = text.lstrip("rRbBfFuU")
    width = 3 if body[:3] in ('"""', "'''") else 1
    ends = len(body) >= 2 * width and body.endswith(body[:width])
    return f'"{text[: len(text) - len(body)].lower()}{body[width : -width if ends else None]}"'


def _renamed(code_tokens: Sequence[str], public: frozenset[str]) -> tuple[str, ...]:
    """Return tokens with the student's own names numbered by their first place; names that the release has stay."""
    numbers: dict[str, str] = {}
    shaped = []
    for index, token in enumerate(code_tokens):
        is_own = token.isidentifier() and token not in _KNOWN and token not in public
        # Behind a dot stands an attribute, as a rule of a library: nobody chose that name.
        if is_own and not (index and code_tokens[index - 1] == "."):
            token = numbers.setdefault(token, f"name {len(numbers)}")  # noqa: PLW2901
        shaped.append(token)
    return tuple(shaped)


def _digest(code_tokens: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(code_tokens).encode("utf-8", "replace")).hexdigest()
