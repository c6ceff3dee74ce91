"""What every command has: the usual options, and one line and an exit code where the machine or somebody stops it."""

from __future__ import annotations

import errno
import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer.main
from nbformat.v4 import new_code_cell
from typer.testing import CliRunner

from grader import errors
from grader.assignment.course import Course
from grader.cli import entry, output
from grader.cli.app import app
from grader.errors import GraderError, InfrastructureError
from tests.support.tiny import hand_in, solved, tiny_course

MAIN = "from grader.cli import main; main()"
HINT = "Install it: pip install 'pawgrade[staff]', or [bold]pawgrade[grading][/bold]."


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course in which one file was handed in, which is no notebook: no kernel is started for it."""
    made = tiny_course(tmp_path_factory.mktemp("entry") / "course")
    hand_in(made, "student02", "this is no notebook")
    return made


def environment(cache: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PAWGRADE_CACHE": str(cache), "PAWGRADE_DATA": "", **more}


def pawgrade(
    *words: object, before: tuple[str, ...] = (), **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own; `before` is what starts it."""
    line = [*before, sys.executable, "-c", MAIN, *map(str, words)]
    settings: dict[str, Any] = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    return subprocess.run(line, check=False, **{**settings, **options})


def is_one_line(text: str, *words: str) -> bool:
    """Say whether an error is told in one line with a hint below it, and holds these words."""
    lines = text[text.index("error: ") :].splitlines()
    return len(lines) == 2 and "Traceback" not in text and all(word in " ".join(lines) for word in words)


@pytest.fixture(autouse=True)
def usual_loudness() -> Iterator[None]:
    yield
    output.verbosity.level = output.USUAL


def test_the_version_is_that_of_the_installed_package() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"pawgrade {version('pawgrade')}\n"


def every_command(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from every_command(child, (*path, name))


@pytest.mark.parametrize("path", [*every_command(typer.main.get_command(app))], ids=" ".join)
def test_every_command_answers_to_h_and_takes_q_and_v(path: tuple[str, ...]) -> None:
    short, long = (CliRunner().invoke(app, [*path, option]) for option in ("-h", "--help"))

    assert (short.exit_code, short.output) == (0, long.output)
    assert {"-q", "-v", "--quiet", "--verbose"} <= set(short.output.replace("│", " ").split())


@pytest.mark.parametrize("words", [("-q", "ci", "github"), ("ci", "github", "-q"), ("ci", "-q", "github")])
def test_a_quiet_command_says_nothing_of_what_it_wrote(words: tuple[str, ...], tmp_path: Path) -> None:
    loud = CliRunner().invoke(app, ["ci", "github", "--folder", str(tmp_path / "loud")])
    quiet = CliRunner().invoke(app, [*words, "--folder", str(tmp_path / "quiet")])

    assert "wrote" in loud.output
    assert (quiet.exit_code, quiet.output) == (0, "")
    assert (tmp_path / "quiet/.github/workflows/grade.yml").is_file()


def test_a_quiet_command_tells_errors_all_the_same(tmp_path: Path) -> None:
    done = pawgrade("grade", "nothing", "-q", cwd=tmp_path)

    assert done.returncode == 2
    assert is_one_line(done.stderr, "is no course", "--course")


def classes() -> list[type[GraderError]]:
    everything = (value for _, value in inspect.getmembers(errors, inspect.isclass))
    return [value for value in everything if issubclass(value, GraderError)]


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_brackets_in_an_error_are_words_and_no_markup(
    kind: type[GraderError], capsys: pytest.CaptureFixture[str]
) -> None:
    entry._tell(kind("expected extras [staff], found [red]none[/red] [/]", HINT))

    assert (
        capsys.readouterr().err
        == f"error: expected extras [staff], found [red]none[/red] [/]\n       {HINT}\n"
    )


FAULT = """
import sys
from grader.cli import app as command_line

@command_line.app.command()
def break_down() -> None:
    '''Break.'''
    raise KeyError("[staff] of student01")

sys.argv = ["pawgrade", "break-down", *sys.argv[1:]]
command_line.main()
"""


def test_a_fault_of_ours_is_one_line_too_and_its_traceback_is_there_for_who_asks() -> None:
    short, long = (
        subprocess.run([sys.executable, "-c", FAULT, *words], capture_output=True, text=True, check=False)
        for words in ([], ["-v"])
    )

    assert (short.returncode, long.returncode) == (3, 3)
    assert is_one_line(short.stderr, "a fault of Pawgrade itself: KeyError: '[staff] of student01'", "-v")
    assert "Traceback" in long.stderr
    assert "in break_down" in long.stderr
    assert "typer" not in long.stderr


def test_what_the_system_refuses_names_the_path_and_what_to_do() -> None:
    full = entry.of_the_machine(OSError(errno.ENOSPC, "No space left on device"))
    moved = entry.of_the_machine(OSError(errno.EXDEV, "Invalid cross-device link", "a", None, "b"))

    assert str(full.message) == "a file that is written: No space left on device."
    assert "df -h" in str(full.hint)
    assert str(moved.message) == "a to b: Invalid cross-device link."
    assert "doctor" in str(moved.hint)


unshared = pytest.mark.skipif(
    sys.platform != "linux"
    or subprocess.run(["unshare", "--map-root-user", "--mount", "true"], check=False).returncode != 0,
    reason="needs user namespaces: unshare(1)",
)
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
SMALL = 'mount -t tmpfs -o size=16k tmpfs "$0" && exec "$@"'


def with_mount(script: str, folder: Path) -> tuple[str, ...]:
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", script, str(folder))


@unshared
def test_a_course_that_is_mounted_for_reading_is_one_line_and_exit_code_3(course: Course) -> None:
    before = with_mount(READ_ONLY, course.folder)

    done = pawgrade("release", "--course", course.folder, before=before)

    assert done.returncode == InfrastructureError.exit_code
    assert is_one_line(done.stderr, str(course.folder), "Read-only file system", "another disk")


@unshared
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(course: Course) -> None:
    (course.source("tiny") / "large.txt").write_text("words " * 10_000)
    look = 'mount -t tmpfs -o size=16k tmpfs "$0"; "$@"; code=$?; find "$0" -mindepth 1; exit $code'
    try:
        done = pawgrade(
            "release", "--course", course.folder, before=with_mount(look, course.folder / "assignments")
        )
    finally:
        (course.source("tiny") / "large.txt").unlink()

    assert done.returncode == InfrastructureError.exit_code
    assert is_one_line(done.stderr, "No space left on device", "df -h")
    assert done.stdout == ""


@unshared
def test_no_network_is_one_line_and_exit_code_3(course: Course, tmp_path: Path) -> None:
    notebook = shutil.copy(Path(__file__).parents[2] / "assignments/oxford_pets/oxford_pets.ipynb", tmp_path)
    before = ("unshare", "--map-root-user", "--net")

    done = pawgrade(
        "check", notebook, "--data", "oxford_pets", before=before, env=environment(tmp_path / "cache")
    )

    assert done.returncode == InfrastructureError.exit_code
    assert is_one_line(done.stderr, "found no connection to", "PAWGRADE_DATA")


def test_a_cache_that_cannot_be_is_named_with_its_setting(course: Course, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in its place")

    done = pawgrade(
        "grade", "tiny", "--sandbox", "none", "--course", course.folder, env=environment(tmp_path / "cache")
    )

    assert done.returncode == InfrastructureError.exit_code
    assert is_one_line(done.stderr, f"{tmp_path}/cache: File exists", "PAWGRADE_CACHE")


def test_who_stops_reading_stops_nothing_else(course: Course, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    junit = tmp_path / "verify.xml"

    done = pawgrade(
        "verify", "--part", "release", "--course", course.folder, "--junit", junit, stdout=writing
    )
    os.close(writing)

    assert (done.returncode, "Broken" in done.stderr, "Traceback" in done.stderr) == (0, False, False)
    assert "testsuite" in junit.read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
def test_output_that_cannot_be_written_is_no_success(course: Course) -> None:
    with Path("/dev/full").open("w") as full:
        done = pawgrade("ci", "cache-key", stdout=full)

    assert done.returncode == InfrastructureError.exit_code
    assert is_one_line(done.stderr, "No space left on device")


@pytest.mark.slow
def test_an_interrupted_grading_says_that_it_goes_on_and_leaves_no_lock(
    course: Course, tmp_path: Path, toy_cache: Path
) -> None:
    endless = solved()
    endless.cells.append(new_code_cell("import time\nopen('begun', 'w').close()\ntime.sleep(600)"))
    folder = shutil.copytree(course.folder, tmp_path / "course")
    hand_in(Course(folder), "student01", endless)
    line = [sys.executable, "-c", MAIN, "grade", "tiny", "--sandbox", "none", "--course", str(folder)]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=environment(toy_cache)) as grading:
        deadline = time.monotonic() + 60
        while not list((folder / ".pawgrade").rglob("begun")) and time.monotonic() < deadline:
            time.sleep(0.1)
        begun = bool(list((folder / ".pawgrade").rglob("begun")))
        grading.send_signal(signal.SIGINT)
        words = grading.communicate(timeout=60)[1]

    assert begun
    assert grading.returncode == entry.INTERRUPTED
    assert words == "interrupted; what is graded is stored; the same command goes on from there\n"
    assert list((folder / ".pawgrade/work").glob("*/*")) == []
    again = pawgrade(
        "grade",
        "tiny",
        "--student",
        "student02",
        "--json",
        "-",
        "--course",
        folder,
        env=environment(toy_cache),
    )
    (grade,) = json.loads(again.stdout)
    # A file that nobody could read: nothing ran, with a sandbox or without one.
    assert (grade["sandbox"], again.returncode) == ("not_run", 1)
    assert "sandbox: none" not in again.stderr
