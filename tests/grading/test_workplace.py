"""What lies beside a notebook while it is graded: the release, but for what only judges and draws."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from grader.grading import workplace
from grader.grading.preparation import Work
from grader.records import Submission


def test_checks_and_pictures_are_not_beside_a_graded_notebook(tmp_path: Path) -> None:
    release, handed_in, place = (tmp_path / name for name in ("lab", "handed-in", "place"))
    for folder in (release / "parts", handed_in, place):
        folder.mkdir(parents=True)
    names = ("assignment.toml", "check_public.py", "helper.py", "parts/pictures.py", "pictures.py")
    for name in names:
        (release / name).write_text(name)
    (handed_in / "pictures.py").write_text("a student's own")
    context = SimpleNamespace(assignment=SimpleNamespace(id="lab", notebooks=("lab",), files=()))
    work = SimpleNamespace(context=context, public_files=tuple(release / name for name in names))

    told = workplace.lay_out(place, Submission("student01", "lab", handed_in), cast("Work", work))

    lying = {path.relative_to(place / "work").as_posix() for path in (place / "work").rglob("*.*")}
    assert lying == {"assignment.toml", "helper.py", "parts/pictures.py"}
    assert told == []


def test_a_notebook_of_another_name_is_said_and_not_among_what_was_ignored(tmp_path: Path) -> None:
    release, handed_in, place = (tmp_path / name for name in ("lab", "handed-in", "place"))
    for folder in (release, handed_in, place):
        folder.mkdir()
    (release / "assignment.toml").write_text("")
    (handed_in / "lab final\u202e.ipynb").write_text("{}")
    context = SimpleNamespace(assignment=SimpleNamespace(id="lab", notebooks=("lab",), files=()))
    work = SimpleNamespace(context=context, public_files=(release / "assignment.toml",))
    submission = Submission("student01", "lab", handed_in, name="lab final\u202e.ipynb")

    told = workplace.lay_out(place, submission, cast("Work", work))

    assert [str(notice) for notice in told] == [
        "The notebook was called lab final .ipynb. It was taken, since it was the only one; next time hand it in as lab.ipynb."
    ]


def test_some_names_are_cut() -> None:
    assert str(workplace.some_names([str(number) for number in range(7)])).endswith("4 and more")
