"""JUnit XML of a class: a suite a student, a test case an exercise."""

from __future__ import annotations

from xml.etree import ElementTree

from grader.reports.exports.gradescope import describe
from grader.reports.exports.rows import Export, Marks, Part, Row, number
from grader.reports.other_programs import junit_case, junit_text, xml_text


def export(marks: Marks) -> Export:
    """Return the marks as JUnit XML.

    An exercise without full points is a failure, one that is not decided an error, one that waits for a person skipped.
    """
    root = ElementTree.Element("testsuites", name=xml_text(f"pawgrade export {marks.assignment.id}"))
    exported, left_out = [], dict[str, str]()
    for row in marks.rows:
        if not row.parts:
            left_out[row.student.id] = row.without_points
            continue
        suite = ElementTree.SubElement(root, "testsuite", name=xml_text(row.student.id))
        for entry in row.parts:
            _case(suite, marks, row, entry)
        exported.append(row.student.id)
    return Export({"": junit_text(root)}, tuple(exported), left_out)


def _case(suite: ElementTree.Element, marks: Marks, row: Row, entry: Part) -> None:
    case = junit_case(suite, f"pawgrade.{marks.assignment.id}.{row.student.id}", entry.id, 0.0)
    checks = row.grade.checks if row.grade else ()
    text = xml_text("\n".join(describe(check) for check in checks if check.exercise == entry.id))
    if entry.points is None or entry.waits:
        word, message = (
            ("skipped", "still to be graded by hand") if entry.by_hand else ("error", "not decided")
        )
        ElementTree.SubElement(case, word, message=message).text = text
        return
    points = f"{number(entry.points)} of {number(entry.max_points)} points"
    if entry.points < entry.max_points:
        ElementTree.SubElement(case, "failure", message=points).text = text
    else:
        ElementTree.SubElement(case, "system-out").text = f"{points}\n{text}"
