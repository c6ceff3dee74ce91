"""What the formgrader needs to show a submission as graded; asked of a real Jupyter server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from grader.authoring.release import build_release
from grader.errors import SpecError
from grader.files import fresh_folder
from grader.gradebook.conversion import gradebook_notebooks, record_source
from grader.gradebook.formgrader import parse_timestamp, write_autograded
from grader.gradebook.nbgrader import manual_points, open_gradebook, record
from tests.support.notebooks import answered, source_notebook, toy_course, toy_grade

TOKEN = "only-for-this-test"
STAMP = "2026-01-31 14:00:00.123456 Europe/Berlin"


def test_the_folder_holds_the_notebook_and_the_time_of_submission(tmp_path: Path) -> None:
    folder = write_autograded(tmp_path, toy_grade(), {"toy": source_notebook()}, STAMP)

    assert folder == tmp_path / "autograded" / "student01" / "toy"
    assert {path.name for path in folder.iterdir()} == {"toy.ipynb", "timestamp.txt"}
    assert (folder / "timestamp.txt").read_text() == STAMP
    assert len(nbformat.read(folder / "toy.ipynb", as_version=4).cells) == 8


def test_files_are_read_only_like_nbgraders(tmp_path: Path) -> None:
    folder = write_autograded(tmp_path, toy_grade(), {"toy": source_notebook()}, STAMP)

    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}


def test_a_second_attempt_replaces_everything_of_the_first(tmp_path: Path) -> None:
    write_autograded(tmp_path, toy_grade(), {"toy": source_notebook()}, STAMP)

    folder = write_autograded(tmp_path, toy_grade(attempt="second"), {"toy": source_notebook()}, None)

    assert [path.name for path in folder.iterdir()] == ["toy.ipynb"]
    assert [path.name for path in folder.parent.iterdir()] == ["toy"]


@pytest.fixture
def without_root() -> Iterator[Path]:
    """A folder of an ordinary user, who this process is for a while; as it is where we are not root anyway."""
    with tempfile.TemporaryDirectory() as scratch:
        if os.geteuid() != 0:
            yield Path(scratch)
            return
        os.chown(scratch, 65534, 65534)
        write_autograded(
            Path(scratch) / "first", toy_grade(), {"toy": source_notebook()}, None
        )  # imports what root can read
        os.seteuid(65534)
        try:
            yield Path(scratch)
        finally:
            os.seteuid(0)


def test_replacing_works_without_the_rights_of_root(without_root: Path) -> None:
    for _ in range(2):
        folder = write_autograded(without_root, toy_grade(), {"toy": source_notebook()}, STAMP)

    assert (folder / "toy.ipynb").stat().st_uid == os.geteuid()


def test_a_write_that_fails_leaves_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with fresh_folder(target) as draft:
        (draft / "kept.txt").write_text("kept")

    with pytest.raises(IsADirectoryError), fresh_folder(target) as draft:
        draft.write_text("not to a folder")

    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert [path.name for path in target.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize("student", ["../student02", "a/b", "..", ""])
def test_a_student_id_cannot_lead_out_of_the_folder(tmp_path: Path, student: str) -> None:
    with pytest.raises(SpecError, match="slashes"):
        write_autograded(tmp_path, toy_grade(student), {"toy": source_notebook()}, None)


@pytest.mark.parametrize(
    "text",
    [
        STAMP,
        "2026-01-31 13:00:00.123456 UTC",
        "2026-01-31T13:00:00.123456+00:00\n",
        "2026-01-31 13:00:00.123456",
    ],
)
def test_times_are_read_as_naive_utc(text: str) -> None:
    assert parse_timestamp(text) == datetime(2026, 1, 31, 13, 0, 0, 123456)


def test_a_time_that_is_none_says_what_was_found() -> None:
    assert parse_timestamp(None) is None
    with pytest.raises(SpecError, match="found 'yesterday evening'"):
        parse_timestamp("yesterday evening")


@dataclass(frozen=True)
class Server:
    """A running Jupyter server with the formgrader."""

    url: str

    def ask(self, path: str, method: str = "GET", body: dict[str, Any] | None = None) -> str:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}formgrader/{path}", data, method=method)  # noqa: S310
        request.add_header("Authorization", f"token {TOKEN}")
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return response.read().decode()  # type: ignore[no-any-return]

    def json(self, path: str, method: str = "GET", body: dict[str, Any] | None = None) -> Any:
        return json.loads(self.ask(f"api/{path}", method, body))


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with three submissions: one graded, one graded with a zero, one not graded yet."""
    course = toy_course(tmp_path_factory.mktemp("formgrader") / "course")
    build_release(course, "toy", course / "assignments")
    db_url = f"sqlite:///{course}/gradebook.db"
    record_source(course, "toy", db_url)
    notebook = answered(gradebook_notebooks(course, "toy")["toy"])
    for student in ("student01", "student02", "student03"):
        folder = course / "submitted" / student / "toy"
        folder.mkdir(parents=True)
        shutil.copy(course / "assignments" / "toy" / "toy.ipynb", folder)
        if student != "student02":
            (folder / "timestamp.txt").write_text(STAMP)
    with open_gradebook(db_url) as gradebook:
        for student, text, double in (("student01", STAMP, 3.0), ("student02", None, 0.0)):
            grade = toy_grade(student, double=double)
            record(gradebook, grade, {"toy": notebook}, timestamp=parse_timestamp(text))
            write_autograded(course, grade, {"toy": notebook}, text)
    return course


@pytest.fixture(scope="module")
def server(course: Path) -> Iterator[Server]:
    home = course.parent / "home"
    places = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    clean = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    environment = {**clean, **places, "HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": "0",
        "ServerApp.open_browser": "False",
        "ServerApp.allow_root": "True",
        "ServerApp.jpserver_extensions": '{"nbgrader.server_extensions.formgrader": True}',
        "IdentityProvider.token": TOKEN,
    }
    command = [
        sys.executable,
        "-m",
        "jupyter_server",
        *(f"--{key}={value}" for key, value in options.items()),
    ]
    with (course.parent / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=course, env=environment, stdout=log, stderr=log)
        try:
            yield Server(wait_for_url(process, home / "RUNTIME"))
        finally:
            stop_tree(process)


def wait_for_url(process: subprocess.Popen[bytes], runtime: Path) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        for path in runtime.glob(f"jpserver-{process.pid}.json"):
            if (text := path.read_text()) and answers(url := str(json.loads(text)["url"])):
                return url
        time.sleep(0.2)
    raise AssertionError("the Jupyter server did not start")


def answers(url: str) -> bool:
    """The file with the address is there a moment before the server listens."""
    try:
        urllib.request.urlopen(f"{url}api", timeout=10).close()  # noqa: S310 - our own server
    except urllib.error.HTTPError as refusal:
        refusal.close()
    except OSError:
        return False
    return True


def stop_tree(process: subprocess.Popen[bytes]) -> None:
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    process.terminate()
    _, alive = psutil.wait_procs(tree, timeout=20)
    for survivor in alive:
        survivor.kill()
    process.wait(timeout=20)
    assert not any(part.is_running() for part in tree)


@pytest.mark.slow
def test_the_formgrader_lists_submissions_as_graded_with_their_points(server: Server) -> None:
    listed = {row["student"]: row for row in server.json("submissions/toy")}

    first, second, third = (listed[f"student0{number}"] for number in (1, 2, 3))
    assert (first["autograded"], first["score"], first["max_score"]) == (True, 7.0, 15.0)
    assert (first["code_score"], first["needs_manual_grade"]) == (7.0, True)
    assert first["timestamp"] == "2026-01-31T13:00:00.123456"
    assert (second["autograded"], second["score"], second["timestamp"]) == (True, 4.0, None)
    assert not third["autograded"]


@pytest.mark.slow
def test_the_formgraders_pages_open(server: Server) -> None:
    (notebook,) = (row for row in server.json("submitted_notebooks/toy/toy") if row["student"] == "student01")

    page = server.ask("manage_submissions/toy")
    grading = server.ask(f"submissions/{notebook['id']}/")

    assert "toy" in page
    assert "I learned a lot." in grading
    assert "student01" in grading


@pytest.mark.slow
def test_a_score_given_in_the_formgrader_survives_recording_again(server: Server, course: Path) -> None:
    (notebook,) = (row for row in server.json("submitted_notebooks/toy/toy") if row["student"] == "student01")
    grades = server.json(f"grades?submission_id={notebook['id']}")
    (reflection,) = (row for row in grades if row["name"] == "reflection")
    assert reflection["needs_manual_grade"]

    server.json(f"grade/{reflection['id']}", "PUT", {"manual_score": 4.0, "extra_credit": 0.5})
    with open_gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        executed = nbformat.read(course / "autograded/student01/toy/toy.ipynb", as_version=4)
        record(gradebook, toy_grade(double=3.0), {"toy": executed}, timestamp=parse_timestamp(STAMP))
        points = manual_points(gradebook, "toy", "student01")

    assert points == 4.0
    after = server.json("submission/toy/student01")
    assert (after["score"], after["needs_manual_grade"]) == (11.5, False)
