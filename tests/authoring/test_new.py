"""A new course and new assignments: whole or not at all, nothing overwritten, and right as they are."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from grader.assignment import spec
from grader.assignment.course import Course
from grader.authoring.release import stale_files
from grader.authoring.starters import new
from grader.authoring.verify import PARTS, verify
from grader.calibration.statistics import measured_version
from grader.errors import SpecError
from grader.grading.runners import InlineExecutor
from grader.sandbox.host import client
from grader.settings import Settings, load
from tests.support.notebooks import REPOSITORY
from tests.support.tiny import SECRET

CARDS = {"images": "toy_pets", "text": "none"}  # kinds that something is learnt for


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A new course with an assignment of each kind, named like its kind."""
    folder = tmp_path_factory.mktemp("courses") / "course"
    new.new_course(folder)
    for kind in new.KINDS:
        new.new_assignment(Course(folder), kind, kind)
    return Course(folder)


@pytest.fixture(scope="module", autouse=True)
def _zygotes() -> Iterator[None]:
    yield
    client.release_zygotes()


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_a_course_has_its_settings_and_a_sample_and_nothing_else(tmp_path: Path) -> None:
    files = new.new_course(tmp_path / "course")

    course = Course(tmp_path / "course")
    assert {path.relative_to(course.folder).parts[0] for path in files} == {
        ".gitignore", "README.md", "assignments", "nbgrader_config.py", "pawgrade.toml", "solutions",
    }  # fmt: skip
    assert course.assignments() == (new.SAMPLE,)
    assert [path.name for path in tmp_path.iterdir()] == ["course"]
    assert not [
        path for path in files if "__" in path.read_text().replace("__pycache__", "").replace("__file__", "")
    ]


def test_its_settings_for_nbgrader_are_those_of_this_repository(made: Course) -> None:
    config = (made.folder / "nbgrader_config.py").read_bytes()

    assert config == (REPOSITORY / "nbgrader_config.py").read_bytes()


def test_its_settings_show_what_holds_without_them(made: Course, tmp_path: Path) -> None:
    lines = (made.folder / "pawgrade.toml").read_text().splitlines()
    shown = tomllib.loads(
        "\n".join(line.removeprefix("# ") for line in lines if line.startswith("# ") and " = " in line)
    )

    assert load(made.folder, {}) == load(None, {})
    (tmp_path / "pawgrade.toml").write_text(
        "\n".join(
            f"{name} = {value!r}"
            for name, value in shown.items()
            if name not in ("data", "holdout", "cache", "db_url")
        )
    )
    assert load(tmp_path, {}) == load(None, {})
    assert set(shown) == {
        "order",
        "sandbox",
        "device",
        "seed",
        "attempts",
        "counts",
        "ladder",
        "data",
        "holdout",
        "cache",
        "db_url",
    }


@pytest.mark.parametrize("present", ["folder", "file", "link"])
def test_what_is_there_is_never_overwritten(tmp_path: Path, present: str) -> None:
    target = tmp_path / "course"
    if present == "folder":
        target.mkdir()
        (target / "solutions").write_text("mine")
    elif present == "file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "nowhere")

    with pytest.raises(SpecError, match="course exists; nothing was written"):
        new.new_course(target)

    assert names(tmp_path) == ({"course", "course/solutions"} if present == "folder" else {"course"})


def test_a_course_is_made_in_a_new_repository_around_what_it_was_made_with(tmp_path: Path) -> None:
    home = tmp_path / "course"
    (home / ".git").mkdir(parents=True)
    (home / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (home / "README.md").write_text("mine\n")
    (home / ".gitignore").write_text("*.tmp\n")

    files = new.new_course(home)

    assert (home / "README.md").read_text() == "mine\n"
    assert (home / ".gitignore").read_text().startswith("*.tmp\n")
    assert ".pawgrade/" in (home / ".gitignore").read_text()
    assert Course(home).assignments() == (new.SAMPLE,)
    assert home / "pawgrade.toml" in files
    assert home / ".git" / "HEAD" not in files
    assert {path.name for path in tmp_path.iterdir()} == {"course"}
    assert not [path for path in home.iterdir() if path.name.startswith((".course", "course"))]


def test_a_course_that_cannot_be_made_leaves_a_new_repository_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "README.md").write_text("mine\n")
    monkeypatch.setattr(new, "SAMPLE", "no/id")

    with pytest.raises(SpecError):
        new.new_course(tmp_path)

    assert names(tmp_path) == {"README.md"}


def test_the_folder_around_a_course_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="years does not exist"):
        new.new_course(tmp_path / "years" / "course")

    assert names(tmp_path) == set()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)

    with pytest.raises(SpecError, match="cannot be written: Permission denied"):
        new.new_course(tmp_path / "course")


@pytest.mark.parametrize("name", ["HW1", "ps-1", "Problem Set 1", "Übung 3", "it's 1.5 (extra)"])
def test_an_assignment_may_be_called_as_nbgraders_are(made: Course, name: str) -> None:
    files = new.new_assignment(made, name, "text")

    source = made.source(name)
    try:
        assert {source / f"{name}.ipynb", made.release(name) / f"{name}.ipynb"} <= set(files)
        assert spec.load_assignment(source).id == name
        assert spec.load_assignment(source).title == name[:1].upper() + name[1:]
        # Commands in the files' comments can be pasted.
        assert f"pawgrade calibrate {shlex.quote(name)}`" in (source / "staff" / "hidden.toml").read_text()
    finally:
        for folder in (source, made.release(name)):
            shutil.rmtree(folder)


@pytest.mark.parametrize("part", ["solutions", "assignments"])
def test_an_assignment_that_is_there_is_never_overwritten(tmp_path: Path, part: str) -> None:
    course = Course(tmp_path)
    (tmp_path / "solutions").mkdir()
    (tmp_path / part / "week1").mkdir(parents=True)
    before = names(tmp_path)

    with pytest.raises(SpecError, match=f"{part}/week1 exists; nothing was written"):
        new.new_assignment(course, "week1", "quiz")

    assert names(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("", "week1"),
        ("../week1", "week1"),
        ("week1\n", "week1"),
        ("ps+1", "ps 1"),
        ("-x", "x"),
        ("a" * 300, "a" * 100),
    ],
)
def test_a_name_that_no_assignment_may_have_is_refused_with_one_that_would_do(
    tmp_path: Path, name: str, suggested: str
) -> None:
    with pytest.raises(SpecError, match="expected an assignment id that is a plain folder name") as told:
        new.new_assignment(Course(tmp_path), name, "quiz")

    assert f"For example {suggested!r};" in str(told.value.hint)
    assert names(tmp_path) == set()


def test_an_assignment_that_cannot_be_released_is_not_made(tmp_path: Path) -> None:
    new.new_course(tmp_path / "course")
    config = tmp_path / "course" / "nbgrader_config.py"
    config.write_text(config.read_text().replace('"staff", ', ""))
    before = names(tmp_path)

    with pytest.raises(SpecError, match="expected 'staff' in"):
        new.new_assignment(Course(tmp_path / "course"), "week1", "quiz")

    assert names(tmp_path) == before


@pytest.mark.parametrize("title", ['"Quotes" and \\ [brackets]', "Größe, 猫", "# no heading"])
def test_a_title_may_be_any_words(tmp_path: Path, title: str) -> None:
    new.new_course(tmp_path / "course")
    course = Course(tmp_path / "course")

    new.new_assignment(course, "week1", "function", title)

    assert spec.load_assignment(course.source("week1")).title == title
    assert f"# {title}\n" in nbformat.read(course.release("week1") / "week1.ipynb", 4).cells[0].source


def test_a_title_of_two_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="a title of one line"):
        new.new_assignment(Course(tmp_path), "week1", "quiz", "two\nlines")


@pytest.mark.parametrize("kind", new.KINDS)
def test_the_files_of_a_kind_teach_and_are_a_page_at_most(made: Course, kind: str) -> None:
    source = made.source(kind)
    public = {"assignment.toml", "check_public.py", f"{kind}.ipynb"}
    assert public | {"staff/hidden.toml", "staff/check_hidden.py"} <= names(source)
    assert len(list((source / "staff" / "mutants").glob("*.py"))) >= 2
    for path in source.rglob("*"):
        if path.suffix in (".py", ".toml"):
            text = path.read_text().partition(spec.CALIBRATED.decode())[0]
            assert 0 < len(text.splitlines()) <= 80, path
    assert "# " in (source / "assignment.toml").read_text()
    assert stale_files(made.folder, kind) == []


@pytest.mark.parametrize("kind", new.KINDS)
def test_the_files_of_a_kind_are_formatted_and_clean(made: Course, kind: str) -> None:
    shutil.copyfile(REPOSITORY / "grader" / "authoring" / "ci" / "ruff.toml", made.folder / "ruff.toml")
    ruff = Path(sys.executable).parent / "ruff"
    for words in (
        ["check"],
        ["format", "--check", "--isolated", "--line-length", "110"],
    ):
        done = subprocess.run(
            [ruff, *words, "--no-cache", "--exclude", "*.ipynb", made.source(kind)], capture_output=True, text=True, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", CARDS)
def test_a_calibration_that_is_brought_along_is_of_these_very_files(made: Course, kind: str) -> None:
    """`pawgrade calibrate` wrote it for an assignment that is called like its kind; under other ids the digest alone differs."""
    template = tomllib.loads((new.starters() / kind / "staff" / "hidden.toml").read_text())

    assert template["calibration"][CARDS[kind]]["digest"] == measured_version(made.source(kind), CARDS[kind])
    new.new_assignment(made, f"another_{kind}", kind)  # type: ignore[arg-type]
    source = made.source(f"another_{kind}")
    (calibration,) = spec.load_hidden(source).calibration.values()
    assert calibration.digest == measured_version(source, CARDS[kind])


@pytest.mark.slow
@pytest.mark.sandbox
# A function does so in tests/test_first_assignment.py, as it is typed.
@pytest.mark.parametrize("kind", [kind for kind in new.KINDS if kind != "function"])
def test_a_new_assignment_passes_verify_as_it_is(made: Course, toy_cache: Path, kind: str) -> None:
    settings = Settings(None, toy_cache, secret=SECRET.encode())

    # Comparing the drawn photos takes longest, and they are those of every other assignment on this card.
    parts = [part for part in PARTS if part != "photos"]

    findings = list(
        verify(made, kind, settings, card=None, tell=lambda _: None, runner=InlineExecutor(), parts=parts)
    )

    assert [f"{finding.what}: {finding.detail}" for finding in findings if not finding.ok] == []
    assert {finding.kind for finding in findings} >= {"release", "source", "mutant", "requirement"}
    assert ("calibration" in {finding.kind for finding in findings}) == (kind in CARDS)
