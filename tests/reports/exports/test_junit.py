"""JUnit XML: a suite a student."""

from __future__ import annotations

from xml.etree import ElementTree

from grader.assignment.course import Course
from grader.reports.exports.junit import export
from tests.support.marks import marks_of


def test_a_suite_a_student_and_a_case_an_exercise(template: Course) -> None:
    made = export(marks_of(template))

    root = ElementTree.fromstring(made.files[""])  # noqa: S314 - our own
    outcome = {
        suite.get("name"): [next((child.tag for child in case), "") for case in suite.iter("testcase")]
        for suite in root
    }
    assert outcome == {
        "student01": ["failure", "system-out", "failure"],
        "student02": ["failure", "system-out", "skipped"],
        "student04": ["error", "system-out", "failure"],
        "student05": ["system-out", "system-out", "skipped"],
    }
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("12", "4", "1")
    assert "secret" not in made.files[""]
    assert made.left_out == {"student03": "not handed in"}
