"""The provisioner as Jupyter programs use it: what of their environment and folders a kernel gets."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec

from grader.sandbox import provisioner as provisioner_module
from grader.sandbox.host.copy_out import CopiedOut
from grader.sandbox.provisioner import SandboxProvisioner
from tests.support.furnished import furnished_course


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return furnished_course(tmp_path)


@pytest.mark.sandbox
@pytest.mark.slow
def test_a_program_that_names_no_folder_gives_none_away(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(course)

    assert asyncio.run(_listing(None)) == "[]"
    assert asyncio.run(_listing(course)) == "[]"
    assert asyncio.run(_listing(course / "submitted" / "student01" / "pets")) == "['pets.ipynb']"


async def _listing(cwd: Path | None) -> str:
    """Start a kernel as Jupyter programs do, and let it list its folder."""
    from grader.sandbox.kernelspecs import kernel_spec

    manager = AsyncKernelManager()
    manager._kernel_spec = kernel_spec(preload=("json",))
    await manager.start_kernel(**({} if cwd is None else {"cwd": str(cwd)}))
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        said: list[str] = []
        await client.execute_interactive(
            "import os; print(sorted(os.listdir()))",
            output_hook=lambda message: said.append(message["content"].get("text", "")),
            timeout=30,
        )
        return "".join(said).strip()
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("stanza", "callers", "arrives"),
    [
        ({"MODE": "exam"}, {}, {"MODE": "exam"}),
        ({"MODE": "exam"}, {"MODE": "mine"}, {"MODE": "exam"}),
        ({"YEAR": "${YEAR}"}, {"YEAR": "2026", "TOKEN": "x"}, {"YEAR": "2026"}),
        ({"YEAR": "${YEAR}"}, {"TOKEN": "x"}, {}),
        ({"PRICE": "$$5", "BOTH": "${A}/b"}, {"A": "a"}, {"PRICE": "$5", "BOTH": "a/b"}),
        ({}, {"LANG": "C", "TOKEN": "x"}, {"LANG": "C"}),
    ],
)
def test_of_a_programs_variables_a_kernel_gets_those_that_its_kernelspec_names(
    stanza: dict[str, str], callers: dict[str, str], arrives: dict[str, str]
) -> None:
    prepared = asyncio.run(_provisioner(env=stanza).pre_launch(env={**callers, "NOISE": "1"}))

    assert prepared["env"] == arrives


def test_options_of_the_kernelspec_and_of_the_program_are_passed_on_in_this_order() -> None:
    provisioner = _provisioner(
        argv=["python", "-m", "ipykernel_launcher", "-f", "{connection_file}", "--first"]
    )

    prepared = asyncio.run(provisioner.pre_launch(env={}, extra_arguments=["--second"]))

    assert prepared["cmd"] == ["--first", "--second"]
    assert "extra_arguments" not in prepared


def _provisioner(**fields: Any) -> SandboxProvisioner:
    provisioner = SandboxProvisioner(parent=AsyncKernelManager())
    provisioner.kernel_spec = KernelSpec(**fields)
    return provisioner


def test_the_event_loop_goes_on_while_a_folder_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> None:
        time.sleep(0.5)
        raise RuntimeError("packed")

    async def both() -> int:
        ticks, provisioner = 0, SandboxProvisioner(parent=AsyncKernelManager())
        provisioner.kernel_spec = None
        start = asyncio.ensure_future(provisioner.launch_kernel([], cwd=str(tmp_path), env={}))
        while not start.done():
            await asyncio.sleep(0.01)
            ticks += 1
        with pytest.raises(RuntimeError, match="packed"):
            start.result()
        return ticks

    monkeypatch.setattr(SandboxProvisioner, "_start", slow)

    assert asyncio.run(both()) > 10


def test_variables_that_are_let_in_reach_the_kernel_and_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[dict[str, Any]] = []

    def note(_: object, order: dict[str, Any], *__: object) -> None:
        orders.append(order)
        raise RuntimeError("noted")

    monkeypatch.setattr(SandboxProvisioner, "_start", note)

    with pytest.raises(RuntimeError, match="noted"):
        asyncio.run(
            _provisioner().launch_kernel([], cwd=str(tmp_path), env={"MODE": "exam", "PATH": "/mine"})
        )

    environment = orders[0]["environment"]
    assert (environment["MODE"], environment["PATH"], environment["HOME"] != "") == ("exam", "/mine", True)


def test_files_are_kept_where_the_loops_own_threads_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []

    def copy(*arguments: object) -> CopiedOut:
        asked.append(arguments)
        return CopiedOut((), (), (), more=False)

    async def keep() -> None:
        # As after a fork: the loop believes in threads that are not there.
        gone = ThreadPoolExecutor(1)
        gone.shutdown()
        asyncio.get_running_loop().set_default_executor(gone)
        keeping = SandboxProvisioner(parent=AsyncKernelManager(), keep_files=["*.csv"])
        keeping.connection, keeping._beside = cast("Any", "a connection"), tmp_path
        await keeping._keep()

    monkeypatch.setattr(provisioner_module, "copy_out", copy)

    asyncio.run(keep())

    assert [arguments[:3] for arguments in asked] == [("a connection", tmp_path, ("*.csv",))]
