"""Slots of GPUs, and what a kernel sees of the ones it holds; with a table in a file and files for nodes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import doctor, kernel_env
from grader.errors import NoGpuSlot
from grader.execution.gpu_slots import Held, Pool, free_slots, hold
from grader.sandbox.host import client
from grader.settings import Settings
from tests.support.gpus import LIGHT, ask_kernel, fake_pool, install_light

HOLDER = """
import sys, time
from pathlib import Path
from grader.execution.gpu_slots import Pool, hold
with hold("cuda", 1, Pool(Path(sys.argv[1]))) as held:
    print(held.devices[0].index, flush=True)
    time.sleep(120)
"""
LOOK = """
import json, os, threading

def can(do, *what):
    try:
        return do(*what) is not None
    except OSError as exc:
        return exc.strerror

def rename():
    file = os.open(f"/proc/self/task/{threading.get_native_id()}/comm", os.O_RDWR)  # as pthread_setname_np does
    return os.write(file, b"cuda-EvtHandlr")

nodes = sorted(name for name in os.listdir("/dev") if name.startswith("nvidia"))
print(json.dumps({
    "environment": {name: text for name, text in os.environ.items() if name.startswith(("CU", "NV"))},
    "rename a thread": can(rename),
    "memory file": can(os.memfd_create, "cuda"),
    "sysctl": can(open, "/proc/sys/kernel/hostname", "w"),
    "buses": os.path.isdir("/sys/bus/pci") if os.path.isdir("/sys/bus") else None,
    "nodes": {name: open(f"/dev/{name}", "r+").read() for name in nodes},
}))
"""


@pytest.fixture(autouse=True, scope="module")
def runtime() -> Iterator[None]:
    """A runtime folder of one's own: no lock of a test stays behind, nor meets a real one."""
    folder = tempfile.mkdtemp(prefix="paw-")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        yield
        client.release_zygotes()
    shutil.rmtree(folder)


def refused(pool: Pool, count: int = 1, *, alone: bool = False) -> bool:
    try:
        with hold("cuda", count, pool, alone=alone, patience_s=0):
            return False
    except NoGpuSlot:
        return True


def test_a_kernel_on_the_cpu_holds_nothing_and_sees_no_gpu() -> None:
    with hold("cpu", 2, Pool()) as held:
        assert (held, held.environment()) == (Held(), {"CUDA_VISIBLE_DEVICES": ""})


def test_two_kernels_get_two_gpus_and_a_third_is_refused(tmp_path: Path) -> None:
    pool = fake_pool(tmp_path, 2)

    with hold("cuda", 0, pool) as first, hold("cuda", 1, pool) as second:
        assert {first.devices[0].index, second.devices[0].index} == {0, 1}
        assert first.environment()["CUDA_VISIBLE_DEVICES"] == first.devices[0].uuid
        with (
            pytest.raises(NoGpuSlot, match="1 of 2 GPUs wanted, none became free in 0 s"),
            hold("cuda", 1, pool, patience_s=0),
        ):
            pytest.fail("held")

    assert not refused(pool, 2)


def test_who_waits_gets_what_becomes_free(tmp_path: Path) -> None:
    pool, taken, enough = fake_pool(tmp_path, 1), threading.Event(), threading.Event()

    def keep() -> None:
        with hold("cuda", 1, pool):
            taken.set()
            enough.wait(30)

    other = threading.Thread(target=keep)
    other.start()
    assert taken.wait(30)
    assert refused(pool)
    threading.Timer(0.3, enough.set).start()

    with hold("cuda", 1, pool, patience_s=30) as held:
        assert len(held.devices) == 1
    other.join()


def test_slots_share_a_gpu_until_one_wants_it_alone(tmp_path: Path) -> None:
    pool = fake_pool(tmp_path, 1, slots=2)

    with hold("cuda", 1, pool) as first:
        assert first.shared
        assert free_slots(first.devices[0], pool) == 1
        assert refused(pool, alone=True)
        with hold("cuda", 1, pool) as second:
            assert second.devices == first.devices
            assert refused(pool)
    with hold("cuda", 1, pool, alone=True) as only:
        assert not only.shared
        assert refused(pool)


def test_who_wants_two_takes_both_or_none(tmp_path: Path) -> None:
    pool = fake_pool(tmp_path, 2)

    with hold("cuda", 1, pool):
        assert refused(pool, 2)
        assert not refused(pool)
    with hold("cuda", 2, pool) as both:
        assert [one.index for one in both.devices] == [0, 1]
        assert both.environment()["CUDA_VISIBLE_DEVICES"] == ",".join(one.uuid for one in both.devices)


def test_the_gpu_that_was_used_last_is_taken_again_its_zygote_is_warm(tmp_path: Path) -> None:
    pool = fake_pool(tmp_path, 3)
    with hold("cuda", 1, pool), hold("cuda", 1, pool) as second:
        pass

    with hold("cuda", 1, pool) as again:
        assert again.devices == second.devices


def test_the_slot_of_a_grader_that_was_killed_is_free(tmp_path: Path) -> None:
    pool = fake_pool(tmp_path, 1)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(pool.file)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "0\n"
        assert refused(pool)
    finally:
        other.kill()
        other.wait()
        if other.stdout:
            other.stdout.close()

    assert not refused(pool)


def test_a_gpu_that_failed_is_not_taken_again(tmp_path: Path) -> None:
    pool = fake_pool(tmp_path, 2)
    with hold("cuda", 1, pool) as first:
        first.avoid()

    with hold("cuda", 1, pool) as second:
        assert second.devices != first.devices
        second.avoid()
    with pytest.raises(NoGpuSlot, match="1 GPUs wanted, 0 work here"), hold("cuda", 1, pool):
        pytest.fail("held")


def test_the_doctor_shows_the_table_and_the_slots(tmp_path: Path) -> None:
    pool = fake_pool(tmp_path, 2, slots=2, gpu1="it is split by MIG, which is not supported")
    settings = Settings(None, tmp_path, devices=pool.file, gpu_slots=2)

    with hold("cuda", 1, pool):
        first, second = doctor.gpus(settings)

    assert (first.what, first.state) == ("GPU 0", "good")
    assert "Imaginary 1, 8192 MiB, GPU-" in first.found
    assert first.found.endswith("1 of 2 slots free")
    assert (second.state, "MIG" in second.advice) == ("missing", True)


def test_the_doctor_says_when_the_setting_asks_for_what_is_not_there(tmp_path: Path) -> None:
    pool = fake_pool(tmp_path, 0)

    found = [
        next(doctor.gpus(Settings(None, tmp_path, device=name, devices=pool.file)))
        for name in ("auto", "cuda")
    ]

    assert [(one.what, one.state) for one in found] == [("GPU", "missing"), ("GPU", "bad")]


@pytest.mark.sandbox
@pytest.mark.slow
def test_each_kernel_sees_exactly_the_gpus_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_light(tmp_path)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    pool, work = fake_pool(tmp_path, 2), tmp_path / "work"

    with hold("cuda", 1, pool) as first, hold("cuda", 1, pool) as second, hold("cpu", 0, pool) as none:
        seen = [
            json.loads(ask_kernel(held, LOOK, kernel=LIGHT, folder=work)) for held in (first, second, none)
        ]

    shared = {"nvidiactl": "nvidiactl", "nvidia-uvm": "nvidia-uvm"}
    for held, found in zip((first, second), seen, strict=False):
        (device,) = held.devices
        assert found["nodes"] == shared | {f"nvidia{device.minor}": f"nvidia{device.minor}"}
        assert found["environment"] == {
            "CUDA_VISIBLE_DEVICES": device.uuid,
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            **kernel_env.VARIABLES,
        }
        assert (found["rename a thread"], found["memory file"]) == (
            True,
            True,
        )  # what CUDA does when it starts
        assert found["buses"] == (True if Path("/sys/bus/pci").is_dir() else None)
        assert found["sysctl"] in {"Permission denied", "Read-only file system"}
    assert seen[0]["nodes"] != seen[1]["nodes"]
    assert (seen[2]["environment"], seen[2]["nodes"]) == ({"CUDA_VISIBLE_DEVICES": ""}, {})
    assert (seen[2]["rename a thread"], seen[2]["buses"]) == ("Permission denied", None)
