"""ipykernel in a sandbox: its files come out as the kernel's own, and nothing of it is done twice or too early."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")


def python(code: str, folder: Path, *, descriptors: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-P", "-c", code]
    environment = {**os.environ, "IPYTHONDIR": str(folder / "ipython")}
    return subprocess.run(
        line, capture_output=True, text=True, check=False, cwd=folder, env=environment, pass_fds=descriptors
    )


def archive(folder: Path, *names: str) -> int:
    """Return a descriptor of an archive whose files all hold `meow`."""
    path = folder.parent / "archive.tar"
    with tarfile.open(path, "w") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 4
            tar.addfile(entry, io.BytesIO(b"meow"))
    return os.open(path, os.O_RDONLY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "work"
    found.mkdir()
    return found


@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")
@pytest.mark.parametrize(("name", "lies"), [("deep/notes.txt", True), ("../notes.txt", False)])
def test_what_comes_with_a_notebook_lies_beside_it_and_nowhere_else(
    folder: Path, name: str, lies: bool
) -> None:
    descriptor = archive(folder, name)

    done = python(
        f"from grader.sandbox.inside import kernel_app\nkernel_app.unpack({descriptor})",
        folder,
        descriptors=(descriptor,),
    )
    os.close(descriptor)

    assert (done.returncode == 0) == lies
    assert [path.name for path in folder.rglob("notes.txt")] == (["notes.txt"] if lies else [])
    assert not (folder.parent / "notes.txt").exists()


def test_what_is_done_before_a_fork_makes_no_thread_no_socket_and_no_history(folder: Path) -> None:
    code = """
import json, os, sys
from grader.sandbox.inside import kernel_app
before = len(os.listdir("/proc/self/fd"))
app = kernel_app.prepare()
print(json.dumps({
    "threads": len(os.listdir("/proc/self/task")), "more": len(os.listdir("/proc/self/fd")) - before,
    "history": app.config.HistoryManager.enabled, "debugger": "debugpy" in sys.modules, "prepared": app.prepared,
}))
"""

    done = python(code, folder)

    assert json.loads(done.stdout) == {
        "threads": 1, "more": 0, "history": False, "debugger": False, "prepared": True,
    }, done.stderr  # fmt: skip


def test_modules_beside_the_notebook_go_before_installed_ones_and_behind_pythons_own(folder: Path) -> None:
    code = (
        "import json, sys\nfrom grader.sandbox.inside.kernel_app import ListeningKernelApp\n"
        "app = ListeningKernelApp()\napp.init_path()\napp.init_path()\nprint(json.dumps(sys.path))"
    )

    path = json.loads(python(code, folder).stdout)

    packages = [number for number, one in enumerate(path) if one.endswith("-packages")]
    assert path.count("") == 1
    assert path.index("") == packages[0] - 1
    assert path.index("") > 0
