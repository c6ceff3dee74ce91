"""From a source as a platform gives it to what `grade` reads; a second run changes nothing."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from grader.assignment.course import Course
from grader.collecting.collect import Collected, Order, collect
from grader.collecting.sources import Reading
from grader.errors import InfrastructureError, SpecError
from grader.gradebook import attempts
from tests.support.handed_in import LATER, cat_course, folder_of, repository_of, zip_of

ADA, BO = "Ada Example_17_assignsubmission_file_", "Bo Example_18_assignsubmission_file_"
ROSTER = "id,name,canvas id,github\nstudent01,Ada Example,11,ada-x\nstudent02,Bo Example,12,bo-x\n"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return cat_course(tmp_path / "course")


def run(course: Course, source: Path, **options: object) -> Collected:
    order = Order(source, "cat_lab", Reading(zone=datetime.UTC), **options)  # type: ignore[arg-type]
    return collect(course, order, course.db_url(None))


def actions(collected: Collected) -> dict[str, str]:
    return {row.student or row.sender: row.action for row in collected.rows}


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def test_moodles_archive_becomes_submissions_and_a_second_run_changes_nothing(
    course: Course, tmp_path: Path
) -> None:
    (course.folder / "roster.csv").write_text(ROSTER)
    files = {
        f"{ADA}/cat_lab.ipynb": "{}",
        f"{ADA}/weights.pt": "large",
        f"{BO}/my lab.ipynb": "{ }",
        "Cy Example_19_assignsubmission_file_/cat_lab.ipynb": "{}",
        "Ada Example_17_assignsubmission_onlinetext_/onlinetext.html": "hello",
    }
    source = zip_of(tmp_path / "all.zip", files)

    first = run(course, source)

    assert actions(first) == {"student01": "new", "student02": "new", "Cy Example": "refused"}
    assert not first.complete
    assert [(each.student, each.timestamp, each.name) for each in course.submissions("cat_lab")] == [
        ("student01", "2026-03-01 10:00:00.000000 UTC", ""),
        ("student02", "2026-03-01 10:00:00.000000 UTC", ""),
    ]
    unmatched = course.folder / "collected" / "cat_lab" / "unmatched"
    assert {path.name for path in unmatched.rglob("*") if path.is_file()} == {
        "weights.pt",
        "onlinetext.html",
        "cat_lab.ipynb",
    }
    before = tree(course.folder)
    second = run(course, source)
    assert actions(second) == {"student01": "unchanged", "student02": "unchanged", "Cy Example": "refused"}
    assert second.put_aside == {}
    assert tree(course.folder) == before


@pytest.mark.parametrize("name", [".", "solutions", "assignments/cat_lab", ".pawgrade"])
def test_the_course_itself_is_no_hand_in(course: Course, name: str) -> None:
    (course.folder / name).mkdir(parents=True, exist_ok=True)
    before = tree(course.folder)

    with pytest.raises(
        SpecError, match=r"expected hand-ins, found (the course itself|a folder of the course)"
    ):
        run(course, course.folder / name)

    assert tree(course.folder) == before


def test_folders_of_a_course_are_no_hand_ins_whatever_it_calls_them(course: Course) -> None:
    settings = course.folder / "nbgrader_config.py"
    names = {"source": "teaching/src", "release": "out", "autograded": "run", "feedback": "pages"}
    lines = [f"c.CourseDirectory.{kind}_directory = {name!r}\n" for kind, name in names.items()]
    (course.folder / "teaching").mkdir()
    (course.folder / "solutions").rename(course.folder / "teaching" / "src")
    settings.write_text("".join(["c = get_config()\n", *lines]))

    for name in names.values():
        folder_of(course.folder, {f"{name}/student01/cat_lab.ipynb": "{}"})
        with pytest.raises(SpecError, match="expected hand-ins, found a folder of the course"):
            run(course, course.folder / name)
    # What the other layout calls its own is an ordinary folder here.
    source = folder_of(course.folder, {"release/student01/cat_lab.ipynb": "{}"}) / "release"
    assert actions(run(course, source)) == {"student01": "new"}


def test_a_dry_run_decides_the_same_and_writes_nothing(course: Course, tmp_path: Path) -> None:
    source = zip_of(tmp_path / "all.zip", {f"{ADA}/cat_lab.ipynb": "{}", f"{ADA}/x.pdf": ""})
    before = tree(course.folder)

    tried = run(course, source, dry_run=True)

    assert tree(course.folder) == before
    assert not (course.folder / "submitted").exists()
    assert actions(tried) == actions(run(course, source)) == {"ada-example": "new"}


def test_a_later_archive_replaces_and_the_earlier_one_again_does_not(course: Course, tmp_path: Path) -> None:
    early = zip_of(tmp_path / "early.zip", {f"{ADA}/cat_lab.ipynb": "first"})
    late = zip_of(tmp_path / "late.zip", {f"{ADA}/cat_lab.ipynb": "second"}, LATER)

    assert [actions(run(course, source))["ada-example"] for source in (early, late, early)] == [
        "new",
        "replaces",
        "older",
    ]
    assert (course.folder / "submitted" / "ada-example" / "cat_lab" / "cat_lab.ipynb").read_text() == "second"


def test_canvas_has_its_order_by_number_and_its_late_mark_in_the_record(
    course: Course, tmp_path: Path
) -> None:
    (course.folder / "roster.csv").write_text(ROSTER)
    first = zip_of(tmp_path / "1.zip", {"exampleada_11_500_cat_lab.ipynb": "first"})
    second = zip_of(tmp_path / "2.zip", {"exampleada_LATE_11_600_cat_lab-1.ipynb": "second"})

    assert [actions(run(course, source)) for source in (first, second, first)] == [
        {"student01": "new"},
        {"student01": "replaces"},
        {"student01": "older"},
    ]
    record = (course.folder / "collected" / "cat_lab" / "hand_ins.json").read_text()
    assert "late, as Canvas says" in record
    assert not (course.folder / "submitted" / "student01" / "cat_lab" / "timestamp.txt").exists()


def test_git_tags_become_submissions_by_github_names(course: Course, tmp_path: Path) -> None:
    (course.folder / "roster.csv").write_text(ROSTER)
    repository_of(
        tmp_path / "all" / "fall-cat-lab-Ada-X", {"cat_lab.ipynb": "{}", "README.md": ""}, "submit/1", LATER
    )

    collected = run(course, tmp_path / "all")

    assert actions(collected) == {"student01": "new"}
    assert collected.asides == ()  # the rest stays in the repository
    assert course.submissions("cat_lab")[0].timestamp == "2026-03-02 11:30:00.000000 UTC"


def test_the_folder_that_grade_could_not_read_can_be_collected(course: Course) -> None:
    folder_of(
        course.folder / "submitted",
        {"cat-lab/student01/x.ipynb": "{}", "student02/cat_lab/cat_lab.ipynb": "{}"},
    )

    collected = run(course, course.folder / "submitted")

    assert actions(collected) == {"student01": "new", "student02": "unchanged"}
    assert [each.student for each in course.submissions("cat_lab")] == ["student01", "student02"]


def test_students_whom_the_gradebook_does_not_know_yet_get_ids(course: Course, tmp_path: Path) -> None:
    pytest.importorskip("nbgrader")
    from grader.gradebook.nbgrader import open_gradebook

    with open_gradebook(course.db_url(None)) as gradebook:
        gradebook.add_student("student01", first_name="Ada", last_name="Example")
    source = zip_of(tmp_path / "all.zip", {f"{ADA}/cat_lab.ipynb": "{}", f"{BO}/cat_lab.ipynb": "{}"})

    assert actions(run(course, source)) == {"student01": "new", "bo-example": "new"}


def test_while_another_process_writes_nothing_is_collected(course: Course, tmp_path: Path) -> None:
    source = zip_of(tmp_path / "all.zip", {f"{ADA}/cat_lab.ipynb": "{}"})

    with attempts.sole_writer(course.folder), pytest.raises(InfrastructureError, match="another pawgrade"):
        run(course, source)
    assert not (course.folder / "submitted").exists()


def test_a_wrong_assignment_is_told(course: Course, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no assignment 'cow_lab'"):
        collect(course, Order(tmp_path, "cow_lab"), course.db_url(None))


def test_the_json_has_every_row_and_reason(course: Course, tmp_path: Path) -> None:
    source = zip_of(tmp_path / "all.zip", {f"{ADA}/cat_lab.ipynb": "{}", "../x": ""})

    record = run(course, source).to_json()

    assert record["system"] == "moodle"
    assert record["hand_ins"] == [
        {
            "student": "ada-example",
            "sender": "Ada Example",
            "action": "new",
            "path": f"{ADA}/cat_lab.ipynb",
            "handed_in": "2026-03-01 10:00:00.000000 UTC",
            "notes": ["id made of 'Ada Example'"],
        }
    ]
    assert record["left_out"] == [{"path": "../x", "why": "its path leads out of the archive", "work": True}]


def test_a_folder_that_somebody_else_made_in_the_exchange_becomes_nobodys_submission(
    course: Course, tmp_path: Path
) -> None:
    name = "inbound/student02+cat_lab+2026-03-01 10:00:00 UTC"
    source = folder_of(tmp_path / "exchange", {f"{name}/cat_lab.ipynb": "{}", "outbound/x.txt": ""})

    put_aside = run(course, source)
    order = Order(source, "cat_lab", Reading(any_owner=True))
    taken = collect(course, order, course.db_url(None))

    assert actions(put_aside) == {"student02": "refused"}
    assert not put_aside.complete
    assert list(put_aside.put_aside) == [f"{name}/cat_lab.ipynb"]
    assert "not to student02" in put_aside.rows[0].notes[0]
    assert actions(taken) == {"student02": "new"}
