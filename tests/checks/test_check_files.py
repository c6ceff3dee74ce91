"""Check files: what they ask for is read, and one that cannot be loaded is staff's to mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.checks.check_files import load_checks, needed_sets
from grader.errors import SpecError

HEADER = """\
import numpy as np
import pytest
from grader.errors import SubmissionError
from grader.checks import require, require_count, require_parts, show

"""


def check_text(body: str, mark: str = '"breeds", points=4', name: str = "test_one") -> str:
    return f'@pytest.mark.exercise({mark})\ndef {name}(answers, levels):\n    """Do it."""\n    {body}\n\n'


def test_one_exercise_alone_needs_the_questions_of_what_it_comes_after(tmp_path: Path) -> None:
    path = tmp_path / "check_public.py"
    path.write_text(
        HEADER
        + check_text("pass", '"breeds", asks="photos"', "test_guard")
        + check_text("pass", '"top3", asks=["three", "four"], after="guard"', "test_after")
        + check_text("pass", '"other", asks="five"', "test_other")
    )

    module = load_checks(path)

    assert needed_sets(module, "top3") == {"photos", "three", "four"}
    assert needed_sets(module, "breeds") == {"photos"}
    assert needed_sets(module, "nothing") == set()


def test_a_check_file_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    (tmp_path / "check_public.py").write_text("1 / 0")

    with pytest.raises(
        SpecError,
        match=r"check_public\.py cannot be imported: ZeroDivisionError.* Line 1, in <module>: 1 / 0",
    ):
        load_checks(tmp_path / "check_public.py")


def test_a_line_that_is_no_python_is_told(tmp_path: Path) -> None:
    (tmp_path / "check_public.py").write_text("x = 1\ndef questions(material:\n")

    with pytest.raises(
        SpecError, match=r"cannot be imported: SyntaxError: .* Line 2: def questions\(material:"
    ):
        load_checks(tmp_path / "check_public.py")


def test_a_check_file_that_ends_the_program_is_told_and_ends_none(tmp_path: Path) -> None:
    (tmp_path / "check_public.py").write_text("raise SystemExit(3)")

    with pytest.raises(SpecError, match=r"check_public\.py cannot be imported: SystemExit: 3"):
        load_checks(tmp_path / "check_public.py")


def test_a_check_file_may_have_dataclasses_whose_annotations_are_text(tmp_path: Path) -> None:
    text = "from __future__ import annotations\nimport dataclasses\n@dataclasses.dataclass\nclass Pet:\n    name: str\n"
    (tmp_path / "check_public.py").write_text(text)

    assert load_checks(tmp_path / "check_public.py").Pet("Tom").name == "Tom"
