"""What other programs get: JUnit, summary, annotations, code quality."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.authoring.findings import Finding
from grader.messages import Message
from grader.records import FailedCell, Grade, Seconds, Status
from grader.reports import other_programs
from tests.support.tiny import tiny_course

GOOD = Finding(
    "tiny", "release is fresh", True, "equal to a fresh build", 1.5, file="assignments/tiny/tiny.ipynb"
)
BAD = Finding(
    "tiny",
    "source, all checks: full marks",
    False,
    "double FAILED 0/6: largest error 3, needs at most 1e-09",
    2.25,
    "source",
    "toy_pets",
    file="solutions/tiny/tiny.ipynb",
    cells=(FailedCell(4, 3, "double-code", "ZeroDivisionError", Message("division by zero")),),
)
DEMAND = Finding(
    "tiny",
    "a mutant fails it: largest error",
    False,
    "no mutant fails this demand",
    kind="requirement",
    subject="check_public.py:31",
    file="solutions/tiny/check_public.py",
    line=31,
)


def grade(student: str, status: Status, points: float) -> Grade:
    return Grade(
        student, "tiny", "a" * 16, status, points, 16, None, status is Status.PASSED, (), (), (), None,
        Seconds(total=3.5), "namespaces", "cpu", 0, "toy_pets",
    )  # fmt: skip


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own


def test_junit_has_a_suite_for_each_assignment_and_counts_what_is_wrong() -> None:
    other = dataclasses.replace(GOOD, assignment="other")

    root = parsed(other_programs.junit([GOOD, BAD, DEMAND, other]))

    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root] == [
        ("tiny", "3", "2"),
        ("other", "1", "0"),
    ]
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("time")) == (
        "4",
        "2",
        "0",
        "5.250",
    )
    case = root.find(".//testcase[@classname='pawgrade.tiny.source']")
    assert case is not None
    assert case.get("file") == BAD.file
    assert case.get("time") == "2.250"
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == BAD.detail
    assert "code cell 3 (double-code): ZeroDivisionError: division by zero" in (failure.text or "")


def test_names_in_a_junit_suite_are_unique() -> None:
    root = parsed(other_programs.junit([GOOD, GOOD, BAD]))

    names = [case.get("name") for case in root.iter("testcase")]
    assert names == ["release is fresh", "release is fresh (2)", "source, all checks: full marks [toy_pets]"]
    without = other_programs.summary([dataclasses.replace(BAD, data="none")])
    assert "| source, all checks: full marks |" in without


@given(text=st.text(max_size=80))
def test_any_text_survives_in_junit_and_stays_in_its_cell(text: str) -> None:
    finding = dataclasses.replace(BAD, what=text, detail=text, cells=())

    root = parsed(other_programs.junit([finding]))
    table = other_programs.summary([finding])

    assert root.find(".//failure") is not None
    rows = [row for row in table.split("\n") if row.startswith("| tiny |")]
    assert [len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows] == [5, 4, 6]
    assert all(re.sub(r"<br>", "", row).count("<") == 0 for row in rows)


def test_control_characters_are_shown_by_their_number() -> None:
    finding = dataclasses.replace(BAD, detail="red \x1b[31m and \x00 and \ud800")

    assert "red \\x1b[31m and \\x00 and \\xd800" in other_programs.junit([finding])


def test_the_summary_says_at_once_whether_all_is_well() -> None:
    assert other_programs.summary([GOOD]).startswith("### pawgrade verify: ✅ all as it must be\n")
    told = other_programs.summary([GOOD, BAD])
    assert told.startswith("### pawgrade verify: ❌ 1 of 2 not as they must be\n")
    assert "| tiny | ❌ | 1 of 2 | 4 |" in told
    assert "<br>code cell 3 (double-code): ZeroDivisionError: division by zero |" in told
    assert told.index("ZeroDivisionError") < told.index("<details>")


def test_a_summary_too_large_for_a_job_page_says_so() -> None:
    many = [dataclasses.replace(GOOD, detail="x" * 500) for _ in range(3000)]
    wrong = [dataclasses.replace(one, ok=False) for one in many]

    told = other_programs.summary(many)

    assert len(told.encode()) <= other_programs.LARGEST
    assert told.endswith("Too much to show: see the JSON.\n")
    assert "| tiny | ✅ | 3000 of 3000 |" in told
    assert other_programs.summary(wrong).endswith(
        "| tiny | ❌ | 0 of 3000 | 4500 |\n\nToo much to show: see the JSON.\n"
    )


def test_an_annotation_names_the_line_of_the_failed_cell(tmp_path: Path) -> None:
    course = tiny_course(tmp_path / "repository" / "course").folder

    (told,) = other_programs.github_annotations([GOOD, BAD], course, tmp_path / "repository")

    found = re.fullmatch(r"::error file=course/solutions/tiny/tiny\.ipynb,line=(\d+),title=(.*?)::(.*)", told)
    assert found is not None
    lines = (course / "solutions" / "tiny" / "tiny.ipynb").read_text().splitlines()
    assert "def double(numbers)" in lines[int(found[1]) - 1]
    assert found[2] == "tiny%3A source%2C all checks%3A full marks [toy_pets]"
    assert found[3] == f"code cell 3 (double-code): ZeroDivisionError: division by zero%0A{BAD.detail}"


def test_an_annotation_of_a_demand_names_the_line_of_the_check(tmp_path: Path) -> None:
    course = tiny_course(tmp_path).folder

    (told,) = other_programs.github_annotations([DEMAND], course)

    assert told.startswith("::error file=solutions/tiny/check_public.py,line=31,title=")


def test_a_finding_about_no_file_is_annotated_without_one(tmp_path: Path) -> None:
    gone = dataclasses.replace(BAD, file="solutions/gone/gone.ipynb")

    for finding in (gone, dataclasses.replace(BAD, file="")):
        (told,) = other_programs.github_annotations([finding], tmp_path)
        assert told.startswith("::error title=tiny%3A source")
        assert told.endswith(f"::{BAD.detail}")


@given(text=st.text(max_size=60))
def test_no_text_breaks_out_of_an_annotation(text: str) -> None:
    (told,) = other_programs.github_annotations(
        [dataclasses.replace(BAD, what=text, detail=text, file="")], Path("/nowhere")
    )

    assert "\n" not in told
    assert "\r" not in told
    title, message = re.fullmatch(r"::error title=([^:,]*)::(.*)", told, re.DOTALL).groups()  # type: ignore[union-attr]
    unescaped = message.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
    assert unescaped == text
    assert (
        title.replace("%3A", ":")
        .replace("%2C", ",")
        .replace("%0A", "\n")
        .replace("%0D", "\r")
        .replace("%25", "%")
        .startswith(f"tiny: {text}")
    )


def test_gitlab_gets_the_same_places_each_with_a_fingerprint_of_its_own(tmp_path: Path) -> None:
    course = tiny_course(tmp_path).folder
    two = dataclasses.replace(
        BAD, cells=(*BAD.cells, FailedCell(6, 5, "classify-code", "NameError", Message("np")))
    )

    rows = other_programs.gitlab_code_quality([GOOD, two, DEMAND], course)

    assert [row["location"]["path"] for row in rows] == [BAD.file, BAD.file, DEMAND.file]
    assert rows[0]["location"]["lines"]["begin"] < rows[1]["location"]["lines"]["begin"]
    assert rows[2]["location"]["lines"]["begin"] == 31
    assert len({row["fingerprint"] for row in rows}) == 3
    assert rows == other_programs.gitlab_code_quality([GOOD, two, DEMAND], course)
    lost = dataclasses.replace(BAD, file="gone.ipynb")
    (row,) = other_programs.gitlab_code_quality([lost], course, course.parent)
    assert row["location"]["path"] == f"{course.name}/nbgrader_config.py"
    assert {row["severity"] for row in rows} <= {"info", "minor", "major", "critical", "blocker"}


def test_a_student_below_the_pass_mark_is_no_broken_test_but_an_undecided_one_is() -> None:
    grades = [
        grade("student01", Status.PASSED, 16),
        grade("student02", Status.FAILED, 3),
        grade("student03", Status.ERROR, 0),
    ]

    root = parsed(other_programs.grades_junit(grades))

    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "0", "1")
    assert [case.get("name") for case in root.iter("testcase") if case.find("error") is not None] == [
        "student03"
    ]


def test_the_summary_of_a_class_counts_it_and_lists_it() -> None:
    told = other_programs.grades_summary(
        [grade("student_01_", Status.PASSED, 16), grade("student02", Status.FAILED, 3)]
    )

    assert "**tiny** on toy_pets: 1 PASSED, 1 FAILED" in told
    assert "| student_01\\_ | PASSED | 16 / 16 | to do | 4 |" in told
    assert "nothing handed in" in other_programs.grades_summary([])
    automatic = other_programs.grades_summary([grade("student02", Status.FAILED, 3)], by_hand=False)
    assert "| student02 | FAILED | 3 / 16 | - | 4 |" in automatic


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, None), ({"GITHUB_WORKSPACE": "/w"}, Path("/w")), ({"CI_PROJECT_DIR": "/b"}, Path("/b"))],
)
def test_the_runner_says_where_the_checkout_is(environment: dict[str, str], expected: Path | None) -> None:
    assert other_programs.checkout(environment) == expected
