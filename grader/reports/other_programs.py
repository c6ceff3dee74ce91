"""Findings and grades as other programs read them: JUnit XML, a Markdown summary, annotations for GitHub and GitLab."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree

from grader.authoring.findings import Finding
from grader.records import NO_CARD, FailedCell, Grade, Status, on_card
from grader.reports.locations import line_of_cell

LONGEST = 600  # characters of a detail in a table; the JSON has them all
LARGEST = 900_000  # bytes of a summary; GitHub takes 1 MiB a step and shows nothing of a larger one

Row = TypeVar("Row", Finding, Grade)

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TURNING = re.compile(
    "[\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
)  # of the direction of writing, or of a terminal


def junit(findings: Sequence[Finding]) -> str:
    """Return findings as JUnit XML: a suite for each assignment, a test case for each finding.

    Names are unique within a suite, so that programs that compare runs take none for another.
    """
    root = ElementTree.Element("testsuites", name="pawgrade verify")
    # groupby joins neighbours only: findings come one assignment after the other.
    for assignment, group in itertools.groupby(findings, key=lambda finding: finding.assignment):
        rows = list(group)
        suite = ElementTree.SubElement(root, "testsuite", name=assignment)
        for finding, name in zip(rows, _unique(_title(row) for row in rows), strict=True):
            kind = f"pawgrade.{assignment}.{finding.kind}"
            case = junit_case(suite, kind, name, finding.seconds)
            if finding.file:
                case.set("file", finding.file)
            if not finding.ok:
                failure = ElementTree.SubElement(
                    case, "failure", message=xml_text(finding.detail), type=finding.kind
                )
                failure.text = xml_text("\n".join([finding.detail, *map(_describe, finding.cells)]))
            else:
                ElementTree.SubElement(case, "system-out").text = xml_text(finding.detail)
    return junit_text(root)


def grades_junit(grades: Sequence[Grade]) -> str:
    """Return a class as JUnit XML: a test case for each student, broken only where the grader could not decide.

    A student below the pass mark is no failure of the grading.
    """
    root = ElementTree.Element("testsuites", name="pawgrade grade")
    for assignment, group in itertools.groupby(grades, key=lambda grade: grade.assignment):
        suite = ElementTree.SubElement(root, "testsuite", name=assignment)
        for grade in group:
            case = junit_case(suite, f"pawgrade.{assignment}.grade", grade.student, grade.seconds.total)
            text = f"{grade.points:g} of {grade.max_points:g} points, {grade.status}"
            if grade.status is Status.ERROR:
                undecided = [check.id for check in grade.checks if check.status is Status.ERROR]
                error = ElementTree.SubElement(
                    case, "error", message=xml_text(f"not decided: {', '.join(undecided)}")
                )
                error.text = xml_text(text)
            else:
                ElementTree.SubElement(case, "system-out").text = xml_text(text)
    return junit_text(root)


def junit_case(suite: ElementTree.Element, kind: str, name: str, seconds: float) -> ElementTree.Element:
    """Add a test case to a suite of JUnit XML and return it; the time is in seconds."""
    return ElementTree.SubElement(
        suite, "testcase", classname=xml_text(kind), name=xml_text(name), time=f"{seconds:.3f}"
    )


def junit_text(root: ElementTree.Element) -> str:
    """Set the counts of each suite and of the whole document, and return it as XML text."""
    # `iter` goes down the tree: of a suite it finds its own cases, of the root those of all suites.
    for suite in (*root, root):
        cases = list(suite.iter("testcase"))
        counts = {word: sum(1 for _ in suite.iter(word)) for word in ("failure", "error")}
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(counts["failure"]))
        suite.set("errors", str(counts["error"]))
        suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def xml_text(text: str) -> str:
    """Return text without the characters that no XML document may hold: they are shown by their number."""
    # These are valid XML, but would turn the rest of a line around, or steer a terminal.
    text = _TURNING.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
    return _NOT_XML.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def _title(finding: Finding) -> str:
    return f"{finding.what} [{finding.data}]" if finding.data not in ("", NO_CARD) else finding.what


def _unique(names: Iterable[str]) -> list[str]:
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return numbered


def _describe(cell: FailedCell) -> str:
    name = f" ({cell.grade_id})" if cell.grade_id else ""
    return f"code cell {cell.number}{name}: {cell.error}: {cell.message}"


def summary(findings: Sequence[Finding]) -> str:
    """Return findings as GitHub-flavoured Markdown: a line for each assignment, what is wrong, and all of them folded."""
    wrong = [finding for finding in findings if not finding.ok]
    head = "✅ all as it must be" if not wrong else f"❌ {len(wrong)} of {len(findings)} not as they must be"
    totals = [
        (
            assignment,
            "✅" if all(row.ok for row in rows) else "❌",
            f"{sum(row.ok for row in rows)} of {len(rows)}",
            f"{sum(row.seconds for row in rows):.0f}",
        )
        for assignment, rows in _by_assignment(findings)
    ]
    parts = [
        f"### pawgrade verify: {head}",
        _table(("assignment", "", "as it must be", "seconds"), totals, right=2),
    ]
    if wrong:
        parts.append(_table(("assignment", "what", "found"), [_row(finding)[:3] for finding in wrong]))
    folded = _table(
        ("assignment", "what", "found", "", "seconds"),
        [(*_row(finding), "✅" if finding.ok else "❌", f"{finding.seconds:.1f}") for finding in findings],
        right=1,
    )
    parts.append(f"<details><summary>all {len(findings)} findings</summary>\n\n{folded}\n\n</details>")
    return _joined(parts)


def grades_summary(grades: Sequence[Grade], *, by_hand: bool = True) -> str:
    """Return a class as GitHub-flavoured Markdown, for staff: points, status and what needs a look.

    Args:
        grades: one row each.
        by_hand: whether people grade a part of the assignment.
    """
    missing = "to do" if by_hand else "-"
    parts = ["### pawgrade grade"] + ([] if grades else ["nothing handed in"])
    for assignment, rows in _by_assignment(grades):
        counts = Counter(grade.status for grade in rows)
        told = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
        table = _table(
            ("student", "status", "points", "by hand", "seconds"),
            [
                (
                    grade.student,
                    str(grade.status),
                    f"{grade.points:g} / {grade.max_points:g}" + (" (believed)" if grade.believed else ""),
                    missing if grade.manual_points is None else f"{grade.manual_points:g}",
                    f"{grade.seconds.total:.0f}",
                )
                for grade in rows
            ],
            right=3,
        )
        parts += [f"**{_cell(assignment)}**{on_card(_cell(rows[0].data))}: {told}", table]
    return _joined(parts)


def _by_assignment(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    return [(name, list(group)) for name, group in itertools.groupby(rows, key=lambda row: row.assignment)]


def _row(finding: Finding) -> tuple[str, str, str]:
    unsaid = [] if finding.ok or finding.names_cells else [_describe(cell) for cell in finding.cells]
    return finding.assignment, _title(finding), "\n".join([finding.detail, *unsaid])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], right: int = 0) -> str:
    """Return a Markdown table; the last `right` columns are numbers."""
    rule = ["---"] * (len(head) - right) + ["---:"] * right
    lines = [head, rule, *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    """Return text that stays in its cell and is neither HTML nor Markdown."""
    # Cut before it is escaped: a cut must not halve an escape. `&` goes first, for the others bring new ones.
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Within a word an underscore means nothing to GitHub: names of checks stay readable in the raw text.
    text = re.sub(r"([\\`*\[\]|~]|\b_\B|\B_\b)", r"\\\1", xml_text(text))
    # A line break would end the row of the table.
    return re.sub(r"\s*[\r\n]+\s*", "<br>", text.strip())


def _joined(parts: Sequence[str]) -> str:
    """Join parts by blank lines; leave out the last ones where all would be too large, and add a note."""
    # Parts stand in the order of their weight: the long list of everything comes last and goes first.
    for count in range(len(parts), 0, -1):
        note = [] if count == len(parts) else ["Too much to show: see the JSON."]
        text = "\n\n".join([*parts[:count], *note]) + "\n"
        if len(text.encode()) <= LARGEST:
            return text
    return "Too much to show: see the JSON.\n"


def checkout(environment: Mapping[str, str]) -> Path | None:
    """Return the folder that GitHub's or GitLab's runner has checked out, or None where there is no such runner."""
    folder = environment.get("GITHUB_WORKSPACE") or environment.get("CI_PROJECT_DIR")
    # Links resolved, as in `Course.folder`: `_spots` asks whether one folder lies in the other.
    return Path(folder).resolve() if folder else None


def github_annotations(findings: Sequence[Finding], course: Path, root: Path | None = None) -> list[str]:
    """Return what is wrong as GitHub's workflow commands: printed, they show beside the file's lines.

    Args:
        findings: right ones give none.
        course: course folder, in which the files of the findings lie.
        root: folder that paths are told from; None: the course folder.

    Returns:
        One line for each failed cell, or for the finding where no cell failed.
    """
    return [
        _command(
            {"file": path, "line": str(line), "title": title} if path else {"title": title},
            text,
        )
        for finding in findings
        if not finding.ok
        for path, line, title, text in _spots(finding, course, root)
    ]


def _spots(finding: Finding, course: Path, root: Path | None) -> Iterable[tuple[str, int, str, str]]:
    """Yield file, line, title and text of each annotation of a finding."""
    relative_path = _from_root(course, root, finding.file)
    title = f"{finding.assignment}: {_title(finding)}"
    path = course / finding.file if finding.file else None
    text = path.read_text(encoding="utf-8", errors="replace") if path is not None and path.is_file() else None
    if text is None:  # a place that is not there would be shown nowhere
        yield "", 1, title, finding.detail
    elif finding.cells:
        for cell in finding.cells:
            yield relative_path, line_of_cell(text, cell), title, f"{_describe(cell)}\n{finding.detail}"
    else:
        yield relative_path, finding.line, title, finding.detail


def _from_root(course: Path, root: Path | None, file: str) -> str:
    """Return the path of a course's file, told from the root of the checkout where the course lies in it."""
    if root is None or not course.is_relative_to(root):
        return file
    return (course.relative_to(root) / file).as_posix()


def _command(properties: dict[str, str], text: str) -> str:
    """Return one workflow command, escaped as GitHub's own toolkit does it."""
    # In a property a colon or comma would end the value; in the text only the end of the line does.
    told = ",".join(
        f"{key}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}"
        for key, value in properties.items()
    )
    return f"::error {told}::{_escaped(text)}"


def _escaped(text: str) -> str:
    # `%` first: the other replacements bring new ones.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def gitlab_code_quality(
    findings: Sequence[Finding], course: Path, root: Path | None = None
) -> list[dict[str, Any]]:
    """Return what is wrong as GitLab's code quality report, which merge requests show beside the lines.

    Args:
        findings: right ones give none.
        course: course folder, in which the files of the findings lie.
        root: folder that paths are told from; None: the course folder.
    """
    return [
        {
            "description": f"{title}: {text}",
            "check_name": f"pawgrade-{finding.kind}",
            # equal between two runs that found the same, so that GitLab can say what is new
            "fingerprint": hashlib.sha256(f"{title}\n{path}\n{number}".encode()).hexdigest(),
            "severity": "major",
            # a path must be given: this file is in every course
            "location": {
                "path": path or _from_root(course, root, "nbgrader_config.py"),
                "lines": {"begin": line},
            },
        }
        for finding in findings
        if not finding.ok
        for number, (path, line, title, text) in enumerate(_spots(finding, course, root))
    ]
