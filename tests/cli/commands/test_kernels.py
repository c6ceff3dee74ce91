"""`pawgrade kernels`: kernelspecs for other programs, and what runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import KernelManager
from typer.testing import CliRunner

from grader.cli.app import app
from grader.errors import GraderError, InfrastructureError, SpecError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")
MAIN = "from grader.cli import main; main()"
REPOSITORY = Path(__file__).resolve().parents[3]


def kernels(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", MAIN, "kernels", *map(str, arguments)]
    return subprocess.run(
        line, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def refusal(*arguments: str | Path) -> GraderError:
    """Run `kernels install` in this process and return why it refused."""
    with pytest.raises(GraderError) as caught:
        CliRunner().invoke(app, ["kernels", "install", *map(str, arguments)], catch_exceptions=False)
    return caught.value


def test_an_installed_kernel_is_tried_explained_and_its_gaps_are_named(tmp_path: Path) -> None:
    done = kernels(
        "install", "--name", "Mine", "--prefix", tmp_path, "--preload", "json, json.nothing", "--memory-mb", "900"
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "share/jupyter/kernels/mine/kernel.json").read_text())
    assert written["metadata"]["kernel_provisioner"]["config"]["limits"]["memory_mb"] == 900
    for expected in (
        "first kernel, with the zygote: ",
        "; second: ",
        "not preloaded: json.nothing: ModuleNotFoundError",
        "900 MiB of memory, 512 MiB of disk, 128 processes",
        "papermill -k mine",
        "--ExecutePreprocessor.kernel_name=mine",
        f"export JUPYTER_PATH={tmp_path}/share/jupyter",
    ):
        assert expected in done.stdout


def test_a_kernelspec_can_be_written_where_no_kernel_can_start(tmp_path: Path) -> None:
    done = kernels(
        "install", "--prefix", tmp_path / "env", "--preload", "json", "--no-check", PATH=str(tmp_path)
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "env/share/jupyter/kernels/pawgrade/kernel.json").is_file()
    assert "first kernel" not in done.stdout


def test_without_bubblewrap_nothing_is_written_and_the_command_that_mends_it_is_told(
    tmp_path: Path, without_bubblewrap: dict[str, str]
) -> None:
    done = kernels("install", "--prefix", tmp_path / "env", "--preload", "json", **without_bubblewrap)

    assert done.returncode == InfrastructureError.exit_code
    assert "bubblewrap is not installed" in done.stderr
    assert "apt-get install bubblewrap" in done.stderr
    assert not (tmp_path / "env").exists()


def test_jupyters_data_folder_is_where_a_kernelspec_goes_unless_a_prefix_is_given(tmp_path: Path) -> None:
    options = ("install", "--preload", "json", "--no-check")

    done = kernels(*options, JUPYTER_DATA_DIR=str(tmp_path / "data"))
    elsewhere = kernels(*options, "--prefix", tmp_path / "env", JUPYTER_DATA_DIR=str(tmp_path / "none"))

    assert (done.returncode, elsewhere.returncode) == (0, 0), done.stderr + elsewhere.stderr
    assert (tmp_path / "data/kernels/pawgrade/kernel.json").is_file()
    assert (tmp_path / "env/share/jupyter/kernels/pawgrade/kernel.json").is_file()
    assert not (tmp_path / "none").exists()


def test_what_a_kernelspec_opens_is_written_and_said(tmp_path: Path) -> None:
    done = kernels(
        "install", "--prefix", tmp_path, "--preload", "json", "--no-check",
        "--env", "MODE=exam", "--env", "API_TOKEN", "--keep-files", "*.csv",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "share/jupyter/kernels/pawgrade/kernel.json").read_text())
    assert written["env"] == {"MODE": "exam", "API_TOKEN": "${API_TOKEN}"}
    assert written["metadata"]["kernel_provisioner"]["config"]["keep_files"] == ["*.csv"]
    assert "Every notebook can read API_TOKEN" in done.stdout
    assert "It looks like a secret" in done.stdout
    assert "copied out beside it: *.csv" in done.stdout


@pytest.mark.skipif(
    REPOSITORY.is_relative_to("/tmp"),  # noqa: S108
    reason="this checkout lies below /tmp, of which each kernel has its own",
)
def test_a_folder_that_kernels_may_read_is_seen_at_its_own_path(tmp_path: Path) -> None:
    folder = REPOSITORY / "docs"
    options = ("--name", "shelf", "--prefix", tmp_path, "--preload", "json", "--read-only", folder)
    installed = kernels("install", *options)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    code = (
        "import os\n"
        f"print(sorted(os.listdir({str(folder)!r})) == {sorted(one.name for one in folder.iterdir())}, end=' ')\n"
        f"print(os.access({str(folder)!r}, os.W_OK), os.path.exists({str(REPOSITORY / 'README.md')!r}))"
    )
    notebook = {
        "cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": code, "outputs": [], "execution_count": None}],
        "metadata": {"kernelspec": {"name": "shelf", "display_name": "", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }  # fmt: skip
    (tmp_path / "look.ipynb").write_text(json.dumps(notebook))

    line = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "notebook",
        "--execute",
        "--inplace",
        str(tmp_path / "look.ipynb"),
    ]
    environment = {**os.environ, "JUPYTER_PATH": f"{tmp_path}/share/jupyter"}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment)

    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "look.ipynb").read_text())
    assert "".join(found["cells"][0]["outputs"][0]["text"]) == "True False False\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--preload", "nunpy"), ("no module 'nunpy'", "pip install nunpy")),
        (("--preload", "os; print(1)"), ("no module 'os; print(1)'",)),
        (("--user", "--prefix", "x"), ("exclude each other",)),
        (("--name", "my kernel"), ("none that Jupyter takes",)),
        (("--name", "python3"), ("another program's", "Choose another name")),
        (("--read-only", "/no/such/folder"), ("is no folder",)),
        (("--env", "API_TOKEN=x"), ("looks like a secret", "--env API_TOKEN")),
        (("--keep-files", "../*"), ("leads out", "*.csv")),
        (("--read-only", "/proc"), ("each kernel has its own",)),
        (("--prefix", __file__, "--no-check", "--preload", "json"), ("cannot be written", "--user")),
    ],
)
def test_a_mistake_is_told_before_anything_is_written(
    arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    found = refusal(*arguments)

    assert isinstance(found, SpecError)
    assert all(word in str(found) for word in words)


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[KernelManager]:
    from grader.sandbox import kernelspecs
    from grader.sandbox.host.client import release_zygotes

    manager = KernelManager()
    manager._kernel_spec = kernelspecs.kernel_spec(preload=("json", "csv"))
    manager.start_kernel(cwd=str(tmp_path))
    yield manager
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()
    release_zygotes()


def ours(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Other tests may have zygotes at the same time."""
    return [one for one in found if one["status"]["preload"] == ["json", "csv"]]


def test_a_running_kernel_is_listed_with_its_zygote_memory_and_owner(kernel: KernelManager) -> None:
    done = kernels("list", "--json", "-")

    (zygote,) = ours(json.loads(done.stdout))
    (child,) = zygote["kernels"]
    assert child["pid"] == kernel.provisioner.pid
    assert child["owners"][0]["pid"] == os.getpid()
    assert zygote["zygote"]["owners"][0]["pid"] == os.getpid()
    assert zygote["left_out"] == {}
    for process in (zygote["zygote"], child):
        assert 0 < process["uss_mb"] <= process["pss_mb"] < 2000
        assert 0 <= process["age_s"] < 600


def test_the_table_names_python_modules_and_owner(kernel: KernelManager) -> None:
    shown = CliRunner().invoke(app, ["kernels", "list"], catch_exceptions=False).output

    assert "preloads json, csv" in shown
    assert kernel.provisioner.connection.prefix.rpartition("/")[2] in shown
    assert str(os.getpid()) in shown


def test_where_nothing_runs_that_is_said() -> None:
    with tempfile.TemporaryDirectory(prefix="paw-") as short:  # paths of sockets end at 107 bytes
        done = kernels("list", XDG_RUNTIME_DIR=short)

    assert (done.returncode, done.stdout) == (0, "no zygote is running\n")
