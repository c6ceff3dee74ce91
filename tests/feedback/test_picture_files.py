"""An assignment draws its own pictures, from staff's file alone; a broken one costs pictures, and verify names it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.authoring.release import build_release, release, stale_files
from grader.authoring.verify import verify
from grader.cli.app import app
from grader.errors import InfrastructureError, SpecError
from grader.feedback import figures
from grader.feedback.drawings import Drawing
from grader.feedback.picture_files import drawable, load_pictures, require_drawn
from grader.gradebook import attempts
from grader.records import Picture, StaffNotes
from grader.settings import Settings
from tests.support import pages
from tests.support.notebooks import PUBLIC_CHECKS, REPOSITORY, source_notebook, toy_course, toy_grade

SIGN = """\
from __future__ import annotations

from dataclasses import dataclass

from grader.feedback.drawings import Drawing, sheet, words


@dataclass
class Sign:
    text: str


def sign(content: dict) -> Drawing:
    text = Sign(str(content["text"])).text
    return sheet(200, 40, [words((10, 20), text)], [f"The sign says {text}."], seen="Read it aloud.")


def _not_a_kind(content):
    raise AssertionError
"""
BROKEN = {
    "a name that is not there": ("import not_there", "ModuleNotFoundError"),
    "a half file": ("def sign(", "SyntaxError"),
    "a file that ends the program": ("raise SystemExit(3)", "SystemExit"),
    "no text": ("\0", "SyntaxError|ValueError"),
}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str = SIGN, checks: str = "") -> Path:
        (tmp_path / "pictures.py").write_text(text)
        (tmp_path / "check_public.py").write_text(checks)
        return tmp_path

    return write


def drawn(folder: Path, kind: str, **content: object) -> Drawing:
    return figures.draw(Picture(kind, "", content), load_pictures(folder))


def test_a_function_draws_the_kind_of_its_name(write: Write) -> None:
    drawing = drawn(write(), "sign", text="stop & go")

    assert b"stop &amp; go" in drawing.content
    assert (drawing.says, drawing.seen) == (("The sign says stop & go.",), "Read it aloud.")


def test_what_a_file_imports_or_keeps_private_draws_nothing(write: Write) -> None:
    assert set(load_pictures(write())) == {"sign"}


def test_without_a_file_there_are_the_frameworks_pictures_only(tmp_path: Path) -> None:
    assert load_pictures(tmp_path) == {}


def test_pawgrades_own_pictures_are_not_replaced(write: Write) -> None:
    with pytest.raises(SpecError, match="confusion is drawn by Pawgrade itself"):
        load_pictures(write("def confusion(content): ..."))


@pytest.mark.parametrize(("text", "word"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named_with_what_broke(write: Write, text: str, word: str) -> None:
    with pytest.raises(SpecError, match=rf"pictures.py cannot be imported: ({word})"):
        require_drawn(write(text))


def test_a_folder_in_the_files_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "pictures.py").mkdir()

    with pytest.raises(SpecError, match=r"pictures.py cannot be imported"):
        load_pictures(tmp_path)


def test_a_kind_that_nothing_draws_is_named_with_its_place(write: Write) -> None:
    checks = (
        'show("confusion", "a")\nshow("sign", "b")\nshow(kind="sing", title="c")\nshow(kind_of_it(), "d")'
    )

    with pytest.raises(
        SpecError, match=r"check_public.py:3 shows 'sing'.*drawn are confusion, photo_grid, sign"
    ):
        require_drawn(write(checks=checks))


def test_a_check_file_that_cannot_be_read_is_named(write: Write) -> None:
    with pytest.raises(SpecError, match="check_public.py cannot be read: SyntaxError"):
        require_drawn(write(checks="def test_("))


@pytest.mark.parametrize(
    "body",
    [
        "1 / 0",
        "raise SystemExit",
        "return None",
        "return '<svg/>'",
        "return sign(content, 2)",
        "sign(content)",
    ]
    + [
        f"return Drawing({words})"
        for words in ("'text/html', b''", "'image/png', 'x'", "'image/png', b'', [1]")
    ],
)
def test_whatever_a_function_does_costs_only_its_picture(write: Write, body: str) -> None:
    text = f"from grader.feedback.drawings import Drawing\ndef sign(content):\n    {body}\n"

    with pytest.raises(InfrastructureError, match="picture sign"):
        drawn(write(text), "sign", text="x")


def test_what_the_checks_showed_is_drawn_for_students_and_for_staff(write: Write) -> None:
    folder = write()
    right, wrong = Picture("sign", "", {"text": "a"}), Picture("sign", "", {})

    assert drawable(folder, pages.grade(pictures=(right,), staff=StaffNotes(pictures=(right,)))) == (
        True,
        "2 drawn",
    )
    ok, said = drawable(folder, pages.grade(pictures=(right,), staff=StaffNotes(pictures=(wrong,))))
    assert not ok
    assert "picture sign: its content cannot be drawn (KeyError: 'text')" in said


def test_the_framework_knows_no_picture_of_an_assignment() -> None:
    """Kinds that assignments draw are named nowhere in the room that makes pages."""
    own = "|".join(pages.own_pictures())
    room = (REPOSITORY / "grader" / "feedback").rglob("*")

    files = [path for path in room if path.suffix in {".py", ".html", ".css"}]

    assert len(files) > 8
    assert {path.name for path in files if re.search(rf"\b({own})\b", path.read_text())} == set()


def test_the_course_can_draw_what_its_checks_show() -> None:
    for path in sorted((REPOSITORY / "solutions").glob("*/assignment.toml")):
        require_drawn(path.parent)


def test_the_example_of_the_manual_draws(write: Write) -> None:
    manual = (
        (REPOSITORY / "docs" / "instructors.md").read_text().partition("## Draw a picture of your own")[2]
    )
    code = manual.partition("```python\n")[2].partition("```")[0]
    rows = [{"name": "step 1", "share": 0.4}, {"name": "<b>", "share": 1}]

    drawing = drawn(write(code), "reach", rows=rows)

    assert (drawing.says, drawing.seen) == (("step 1: 0.40.", "<b>: 1.00."), "Longer is better.")
    assert b"&lt;b&gt;" in drawing.content


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_cache: Path) -> Course:
    """A course with a sign of its own, and a stored attempt that shows it."""
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    found = Course(toy_course(tmp_path / "course"))
    source = found.source("toy")
    checks = PUBLIC_CHECKS.replace("    pass", '    show("sign", "A sign", text="stop")', 1)
    (source / "check_public.py").write_text(f"from grader.checks import show\n{checks}")
    (source / "pictures.py").write_text(SIGN)
    grade = replace(toy_grade(), pictures=(Picture("sign", "A sign", {"text": "stop"}),))
    attempts.write(
        found.folder, grade, submitted={"toy": b""}, executed={"toy": source_notebook()}, answers={}
    )
    attempts.set_current(found.folder, grade)
    return found


def feedback(course: Course) -> tuple[str, str]:
    """Run the command; return what it says and the page."""
    done = CliRunner().invoke(app, ["feedback", "toy", "--course", str(course.folder)])
    assert done.exit_code == 0, done.output
    return done.output, (course.folder / "feedback" / "student01" / "toy" / "toy.html").read_text()


def test_a_page_has_the_pictures_that_the_courses_own_file_draws(course: Course) -> None:
    handed_in = course.folder / "submitted" / "student01" / "toy"
    handed_in.mkdir(parents=True)
    (handed_in / "pictures.py").write_text("raise AssertionError('a student drew on this page')")

    said, html = feedback(course)

    assert "missing" not in said
    assert '<th scope="row">The sign says stop.</th>' in html
    assert "Read it aloud." in html


@pytest.mark.parametrize("text", [*(text for text, _ in BROKEN.values()), None])
def test_a_page_without_its_pictures_is_written_and_staff_are_told(course: Course, text: str | None) -> None:
    path = course.source("toy") / "pictures.py"
    path.unlink() if text is None else path.write_text(text)

    said, html = feedback(course)

    assert "note: some pictures are missing on the pages" in " ".join(said.split())
    assert "This picture could not be drawn. It has no part in your points." in html


def test_a_release_has_the_file_and_is_stale_when_it_changes(course: Course) -> None:
    released = build_release(course.folder, "toy", course.folder / "assignments")

    assert (released / "pictures.py").read_text() == SIGN
    (course.source("toy") / "pictures.py").write_text(SIGN.replace("200", "300"))
    assert stale_files(course.folder, "toy") == ["assignments/toy/pictures.py"]


@pytest.mark.parametrize("text", ["import not_there", "def sing(content): ..."])
def test_release_and_verify_refuse_pictures_that_nothing_draws(course: Course, text: str) -> None:
    (course.source("toy") / "pictures.py").write_text(text)

    with pytest.raises(SpecError, match=r"pictures\.py"):
        release(course.folder, "toy", course.db_url(None))
    with pytest.raises(SpecError, match=r"pictures\.py"):
        list(verify(course, "toy", Settings(None, course.folder / "cache"), card=None, tell=lambda _: None))
    assert not (course.folder / "assignments").exists()
