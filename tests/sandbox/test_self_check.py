"""What a sandboxed kernel stands on: each mechanism is tried, and what fails is named with what mends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grader.sandbox import self_check
from grader.sandbox.host import cgroups

linux = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")


MECHANISMS = [
    "bubblewrap",
    "interpreter",
    "nested namespaces",
    "fresh /proc",
    "Landlock",
    "system call filter",
    "control groups",
    "runtime folder",
]


ASK = """
import json, sys
from grader.sandbox import self_check as trials
found = trials.sandbox_problem()
print(json.dumps(found and vars(found)))
"""


NO_USER_NAMESPACES = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'


def ask(*before: str, **environment: str) -> dict[str, str]:
    """Ask for the sandbox's problem in a process of its own, started by another program if one is named."""
    line = [*before, sys.executable, "-c", ASK]
    done = subprocess.run(
        line, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def fake_bwrap(folder: Path) -> None:
    program = folder / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)


@linux
def test_every_mechanism_is_tried_and_works_here() -> None:
    facts = list(self_check.mechanisms())

    assert [fact.what for fact in facts] == MECHANISMS
    assert {fact.what: fact.found for fact in facts if fact.state == "bad"} == {}
    assert self_check.sandbox_problem() is None


@linux
def test_a_whole_sandboxed_kernel_is_tried_and_what_it_could_not_preload_is_named() -> None:
    fact = self_check.whole(("json", "no_such_module"))

    assert fact.state == "missing"
    assert "a kernel answers in" in fact.found
    assert "no_such_module: ModuleNotFoundError" in fact.found


@linux
def test_a_machine_without_bubblewrap_is_told_what_to_install(without_bubblewrap: dict[str, str]) -> None:
    problem = ask(**without_bubblewrap)

    assert problem["what"] == "bubblewrap"
    assert "not installed" in problem["found"]
    assert "apt-get install bubblewrap" in problem["advice"]


@linux
def test_a_bubblewrap_that_fails_is_quoted() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # one that everybody may enter
        Path(folder).chmod(0o755)
        fake_bwrap(Path(folder))

        problem = ask(PATH=f"{folder}:{os.environ['PATH']}")

    assert problem["what"] == "bubblewrap"
    assert "No permissions to create new namespace" in problem["found"]
    assert problem["advice"]


@linux
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives its rights up")
def test_a_bubblewrap_that_only_root_can_reach_is_of_no_use(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    fake_bwrap(tmp_path)

    problem = ask(PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert problem["what"] == "bubblewrap"
    assert "Permission denied" in problem["found"]
    assert "apt-get install bubblewrap" in problem["advice"]


@linux
def test_a_system_that_refuses_user_namespaces_is_named_with_the_setting_that_does() -> None:
    outside = ("unshare", "--user", "--map-root-user", "--", "sh", "-c", NO_USER_NAMESPACES, "sh")
    if subprocess.run([*outside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not even make the namespace in which the others are forbidden")

    problem = ask(*outside)

    assert problem["state"] == "bad"
    assert problem["what"] == "bubblewrap"
    assert "sysctl -w user.max_user_namespaces=" in problem["advice"]


@linux
def test_a_box_in_which_a_kernel_can_make_no_namespaces_is_found_by_the_kernels_own_call() -> None:
    forbid = "import os; from grader.sandbox.inside import seccomp; seccomp.load(seccomp.build())"

    done = subprocess.run(
        [sys.executable, "-c", f"{forbid}; import runpy, sys; sys.argv[1:] = ['namespaces'];"
         "runpy.run_module('grader.sandbox.self_check_child', run_name='__main__')"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer = json.loads(done.stdout)

    assert answer["problem"].startswith("unshare: ")
    assert "refused: user, mount, pid, ipc, uts, net, cgroup" in answer["problem"]


@pytest.mark.parametrize(
    ("name", "value", "mended"),
    [
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_each_setting_that_refuses_namespaces_comes_with_its_command(
    tmp_path: Path, name: str, value: str, mended: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(f"{value}\n")

    assert f"sysctl -w {mended}" in self_check.mend_namespaces(tmp_path)


def test_settings_that_allow_namespaces_leave_the_container_to_blame(tmp_path: Path) -> None:
    assert "--security-opt" in self_check.mend_namespaces(tmp_path)


def test_a_machine_without_control_groups_still_grades_and_says_how() -> None:
    fact = self_check.control_groups(None)

    assert fact.state == "missing"
    assert "memory is watched instead" in fact.found
    assert "RLIMIT_NPROC" in fact.found
    assert "systemd-run --user --scope" in fact.advice


def test_control_groups_that_look_usable_but_refuse_are_bad(tmp_path: Path) -> None:
    fact = self_check.control_groups(cgroups.Hierarchy(1, tmp_path / "memory", tmp_path / "pids"))

    assert fact.state == "bad"
    assert "pawgrade-doctor" in fact.found
    assert fact.advice


@linux
@pytest.mark.parametrize("mistake", ["open to others", "no folder"])
def test_a_runtime_folder_that_is_of_no_use_is_named(mistake: str) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:  # short: a socket's path has little room
        folder = Path(name, "pawgrade")
        if mistake == "no folder":
            folder.write_text("")
        else:
            folder.mkdir()
            folder.chmod(0o777)

        problem = ask(XDG_RUNTIME_DIR=name)

    assert problem["what"] == "runtime folder"
    assert "XDG_RUNTIME_DIR" in problem["advice"]


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_elsewhere_than_on_linux_one_fact_says_what_works(system: str) -> None:
    code = (
        "import sys; sys.modules |= dict.fromkeys(['fcntl', 'resource', 'grader.sandbox.inside.seccomp'])\n"
        f"from grader.sandbox import self_check as trials; print(*[f.advice for f in trials.mechanisms({system!r})])\n"
        f"assert trials.sandbox_problem({system!r}).state == 'bad'"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert len(done.stdout.splitlines()) == 1
    assert "Linux container or on a cluster" in done.stdout
    assert "`pawgrade check` works" in done.stdout
