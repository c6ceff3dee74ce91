"""Kernelspecs: what Jupyter programs read to get sandboxed kernels."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

from grader.limits import Limits
from grader.sandbox import kernelspecs


def config(spec: KernelSpec) -> dict[str, object]:
    stanza = spec.metadata["kernel_provisioner"]
    assert stanza["provisioner_name"] == "pawgrade"
    found: dict[str, object] = stanza["config"]
    return found


def test_without_options_kernels_are_warm_preloaded_and_limited() -> None:
    spec = kernelspecs.kernel_spec()

    assert spec.argv[0] == sys.executable
    assert config(spec) == {
        "preload": list(kernelspecs.PRELOAD),
        "warm": True,
        "limits": {"memory_mb": 6144, "disk_mb": 512, "processes": 128, "cpus": 2},
    }


def test_limits_and_other_options_reach_the_provisioner() -> None:
    spec = kernelspecs.kernel_spec(
        preload=("json",), warm=False, limits=Limits(memory_mb=1024, cpus=1), keep_s=60.0
    )

    found = config(spec)

    assert found["limits"] == {"memory_mb": 1024, "disk_mb": 512, "processes": 128, "cpus": 1}
    assert (found["preload"], found["warm"], found["keep_s"]) == (["json"], False, 60.0)


@pytest.mark.parametrize("name", kernelspecs.PRELOAD)
def test_what_is_preloaded_exists(name: str) -> None:
    assert importlib.util.find_spec(name.partition(".")[0]) is not None


def test_an_installed_kernelspec_is_found_by_jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))

    where = kernelspecs.install("spectacles", prefix=str(tmp_path), preload=("json",), idle_s=5.0)

    assert where == tmp_path / "share" / "jupyter" / "kernels" / "spectacles"
    found = KernelSpecManager().get_kernel_spec("spectacles")
    assert config(found) == config(kernelspecs.kernel_spec(preload=("json",), idle_s=5.0))


def test_a_user_may_install_one_for_all_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))

    where = kernelspecs.install("mine", user=True)

    assert where == tmp_path / "kernels" / "mine"
    assert json.loads((where / "kernel.json").read_text())["language"] == "python"


def test_installing_again_replaces(tmp_path: Path) -> None:
    kernelspecs.install("twice", prefix=str(tmp_path), preload=("json",))

    where = kernelspecs.install("twice", prefix=str(tmp_path), preload=("csv",))

    assert config(KernelSpec.from_resource_dir(str(where)))["preload"] == ["csv"]


@pytest.mark.parametrize(
    ("argv", "options"),
    [
        ([], []),
        (["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], []),
        (["python", "-m", "ipykernel_launcher", "-f", "{connection_file}", "--no-stdout"], ["--no-stdout"]),
        (
            ["python", "-X", "dev", "-m", "ipykernel", "--a=1", "-f={connection_file}", "--b"],
            ["--a=1", "--b"],
        ),
    ],
)
def test_of_a_kernelspecs_command_line_the_options_for_ipykernel_are_left(
    argv: list[str], options: list[str]
) -> None:
    assert kernelspecs.launcher_options(argv) == options


def test_variables_stand_where_jupyter_looks_for_them() -> None:
    assert kernelspecs.kernel_spec(env={"MODE": "exam"}).to_dict()["env"] == {"MODE": "exam"}
