"""An assignment draws its own pictures, from staff's file alone; a broken one costs pictures, and verify names it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.errors import InfrastructureError, SpecError
from grader.feedback import figures
from grader.feedback.drawings import Drawing
from grader.feedback.picture_files import drawable, load_pictures, require_drawn
from grader.records import Picture
from tests.support import pages
from tests.support.notebooks import REPOSITORY

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

    assert drawable(folder, pages.grade(pictures=(right,), staff_pictures=(right,))) == (True, "2 drawn")
    ok, said = drawable(folder, pages.grade(pictures=(right,), staff_pictures=(wrong,)))
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
