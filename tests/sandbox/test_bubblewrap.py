"""The box: what it shows, what it does not, and what is said when there is none."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from grader.errors import SpecError
from grader.kernel_env import TUNING
from grader.sandbox.host import bubblewrap as boxes
from grader.sandbox.host.bubblewrap import Box, Interpreter, interpreter, stage_prefix
from grader.sandbox.paths import BOX

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")
FAKE = Interpreter("/opt/python/bin/python", ("/opt/python",), "/opt/python/lib/grader")
LOOK = """
import json, os, socket
def can(do, *what):
    try:
        return bool(do(*what)) or True
    except OSError as exc:
        return exc.strerror
print(json.dumps({
    "environment": dict(os.environ),
    "root": sorted(os.listdir("/")),
    "etc": sorted(os.listdir("/etc")),
    "networks": [name for _, name in socket.if_nameindex()],
    "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
    "uid": os.getuid(),
    "write": can(os.mkdir, "/usr/share/ours"),
    "write root": can(os.mkdir, "/ours"),
    "passwd": open("/etc/passwd").read(),
    "host": os.uname().nodename,
}))
"""


@cache
def inside() -> dict[str, Any]:
    """Make a box like those of zygotes and look around in it."""
    box = Box(interpreter(sys.executable), environment=(("COLOUR", "blue"),))
    line = box.command("", stage_prefix())
    line = [*line[: line.index("--") + 1], sys.executable, "-P", "-c", LOOK]
    done = subprocess.run(
        line,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"SECRET": "x"},
        preexec_fn=box.prepare(),
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_nothing_of_our_environment_is_seen() -> None:
    found = inside()["environment"]

    assert "SECRET" not in found
    assert found["COLOUR"] == "blue"
    assert set(found) <= {
        "PATH", "HOME", "LANG", "MPLCONFIGDIR", "PYTHONNOUSERSITE", "PYTHONUSERBASE", "PWD", "LC_CTYPE", "COLOUR",
        "MPLBACKEND", *TUNING, *boxes.NO_CONTEXT, *boxes.ONE_THREAD,
    }  # fmt: skip


def test_no_home_no_variable_data_and_no_accounts_of_this_machine_are_seen() -> None:
    found = inside()

    assert not {"home", "var", "srv", "run", "boot", "media"} & set(found["root"])
    assert "shadow" not in found["etc"]
    assert found["passwd"] == (boxes.ETC / "passwd").read_text()


def test_there_is_no_network_and_nobody_elses_process() -> None:
    found = inside()

    assert found["networks"] == ["lo"]
    assert len(found["processes"]) <= 3
    assert found["host"] == "pawgrade"
    assert found["uid"] != 0


def test_nothing_that_is_shown_can_be_changed() -> None:
    found = inside()

    assert found["write"] == "Read-only file system"
    assert found["write root"] == "Read-only file system"


def test_a_course_that_came_with_a_package_does_not_show_its_solutions(tmp_path: Path) -> None:
    packages = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
    for folder in ("grader/course/solutions", "grader/course/datasets", "another/solutions", "numpy"):
        (packages / folder).mkdir(parents=True)
    for name in ("__init__", "lab", "metrics"):
        (packages / "grader" / f"{name}.py").touch()

    line = Box(Interpreter("/usr/bin/python3", (str(tmp_path / "venv"),), str(packages / "grader"))).command(
        ""
    )

    covered = [place for option, place in itertools.pairwise(line) if option == "--tmpfs"]
    shown = [place for option, place in itertools.pairwise(line) if option == "--ro-bind"]
    assert covered == ["/tmp", str(packages / "grader"), str(packages / "another" / "solutions")]  # noqa: S108
    assert [path for path in shown if path.startswith(str(packages))] == [
        str(packages / "grader" / name) for name in ("__init__.py", "course/datasets", "lab.py")
    ]
    order = [str(tmp_path / "venv"), str(packages / "grader"), str(packages / "grader" / "lab.py")]
    assert sorted(order, key=line.index) == order


def test_staff_files_in_an_environment_are_covered_by_whatever_name_it_is_bound(tmp_path: Path) -> None:
    staff = tmp_path / "disk" / "venv" / "lib" / "pawgrade_course"
    staff.mkdir(parents=True)
    (tmp_path / "home").symlink_to(tmp_path / "disk")
    venv = tmp_path / "home" / "venv"

    line = Box(Interpreter("/usr/bin/python3", (str(venv),), "/grader", (str(staff), "/elsewhere"))).command(
        ""
    )

    path = str(venv / "lib" / "pawgrade_course")
    pairs = list(itertools.pairwise(line))
    assert (
        pairs.index(("--ro-bind", str(venv)))
        < pairs.index(("--tmpfs", path))
        < pairs.index(("--remount-ro", path))
    )
    assert "/elsewhere" not in line


def test_a_shelf_is_reached_by_its_place_in_the_box() -> None:
    box = Box(FAKE, shelves=("/data/pets", "/data/toys"))

    found = [box.inside("/data/pets"), box.inside("/data/toys/train/a.png")]

    assert found == [f"{BOX}/shelf/0", f"{BOX}/shelf/1/train/a.png"]


@pytest.mark.parametrize("path", ["/data", "/data/pets2", "/etc/shadow"])
def test_what_is_on_no_shelf_cannot_be_given(path: str) -> None:
    with pytest.raises(SpecError, match="on no shelf"):
        Box(FAKE, shelves=("/data/pets",)).inside(path)


def test_an_environment_below_tmp_stays_visible_under_a_kernels_own_tmp() -> None:
    venv = "/tmp/venv"  # noqa: S108 - nothing is written there

    box = Box(Interpreter(f"{venv}/bin/python", (venv, "/opt/python"), "/opt/python/grader"))

    assert box.kept() == [venv]


def test_what_stands_last_on_the_command_line_is_the_zygote_with_its_argument() -> None:
    line = Box(FAKE).command('{"control": 3}')

    assert line[line.index("--") + 1 :] == [
        FAKE.executable, "-P", "-m", "grader.sandbox.inside.zygote", '{"control": 3}',
    ]  # fmt: skip
    assert {"--unshare-net", "--unshare-pid", "--clearenv", "--die-with-parent"} <= set(line)


def test_an_interpreter_tells_where_it_lives() -> None:
    found = interpreter(sys.executable)

    assert found.package == str(Path(boxes.__file__).parents[2])
    shown = (*found.folders, "/usr")
    for path in (sys.prefix, sys.base_prefix, os.path.realpath(sys.executable)):
        assert any(Path(path).is_relative_to(folder) for folder in shown)


def test_a_python_without_pawgrade_is_refused(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'grader'\" >&2\nexit 1\n")
    python.chmod(0o755)

    with pytest.raises(SpecError, match="No module named 'grader'"):
        interpreter(str(python))
