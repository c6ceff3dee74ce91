"""Gradescope's results say what the student's page says, and hide nothing."""

from __future__ import annotations

import json

from grader.assignment.course import Course
from grader.reports.exports.gradescope import export
from tests.support.marks import marks_of


def test_results_have_the_public_part_only(template: Course) -> None:
    made = export(marks_of(template))

    records = {path: json.loads(text) for path, text in made.files.items()}
    first = records["student01/results.json"]
    assert set(records) == {f"student0{number}/results.json" for number in (1, 2, 5)}
    assert first["score"] == 11.8333
    assert [(test["name"], test.get("score"), test.get("status")) for test in first["tests"]] == [
        ("Twice a number", 3.3333, "failed"),
        ("A number times itself", 4.0, "passed"),
        ("What you learned", 4.0, None),
        ("Extra credit", 0.5, None),
    ]
    assert first["tests"][0]["output"] == (
        "FAILED: Every number is doubled.\n  found: =about 0.5\n  needed: 0.9\n  try next: Multiply by two."
    )
    assert "score" not in records["student02/results.json"]["tests"][2]
    assert "reflection" in records["student02/results.json"]["output"]
    for text in made.files.values():
        assert "secret" not in text
        assert "NaN" not in text
        assert '"hidden"' not in text
    assert {test["visibility"] for test in first["tests"]} == {"visible"}
    assert {test["output_format"] for test in first["tests"]} == {"text"}
    assert made.left_out == {"student03": "not handed in", "student04": "not decided: double"}
