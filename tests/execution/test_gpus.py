"""The table of GPUs: from the driver's program, from its files, from a file of ours; and what of it may be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.errors import SpecError
from grader.execution import gpus
from grader.execution.gpu_slots import Pool
from grader.execution.gpus import Device, Table, parse, read_table, visible
from tests.support.gpus import fake_pool, write_table

PRINTED = """\
0, GPU-aaaa1111-0000-0000-0000-000000000001, NVIDIA H100 80GB HBM3, 81559, 00000000:4E:00.0, Disabled, 550.54.15
1, GPU-bbbb2222-0000-0000-0000-000000000002, NVIDIA H100 80GB HBM3, 81559, 00000000:5F:00.0, Enabled, 550.54.15
2, GPU-cccc3333-0000-0000-0000-000000000003, NVIDIA H100 80GB HBM3, [GPU is lost], 00010000:01:00.0, [N/A], 550.54.15
3, GPU-dddd4444-0000-0000-0000-000000000004, NVIDIA GB10, [N/A], 00000000:6F:00.0, [N/A], 550.54.15
"""
TWO = Table((Device(0, "GPU-aaaa1111", "one"), Device(1, "GPU-bbbb2222", "two", minor=1)))


@pytest.fixture(autouse=True)
def fresh() -> None:
    gpus.forget()


def program(folder: Path, script: str) -> str:
    """Put a program in the place of the driver's; returns the search path."""
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_what_the_drivers_program_prints_is_read() -> None:
    found = parse(PRINTED, {"0:4e:00.0": 2, "10000:01:00.0": 0})

    first, split, lost, shared = found.devices
    assert (first.uuid, first.name) == (
        "GPU-aaaa1111-0000-0000-0000-000000000001",
        "NVIDIA H100 80GB HBM3",
    )
    assert (first.memory_mb, first.minor, first.problem) == (81559, 2, "")
    assert "MIG" in split.problem
    assert (lost.problem, lost.minor) == ("the driver says [GPU is lost]", 0)
    assert (shared.memory_mb, shared.minor, shared.problem) == (0, 3, "")
    assert (found.driver, found.trouble) == ("550.54.15", "")


def test_a_line_that_makes_no_sense_is_told_and_the_others_count() -> None:
    found = parse("Unable to determine the device handle\n" + PRINTED, {})

    assert "Unable to determine" in found.trouble
    assert len(found.devices) == 4


def test_the_drivers_files_are_read(tmp_path: Path) -> None:
    place = tmp_path / "0000:4e:00.0"
    place.mkdir()
    text = (
        "Model: \t\t NVIDIA H100\nGPU UUID: \t GPU-aaaa\nBus Location: \t 0000:4e:00.0\nDevice Minor: \t 3\n"
    )
    (place / "information").write_text(text)

    found = gpus._driver_files(tmp_path)

    assert gpus._from_files(found).devices == (Device(0, "GPU-aaaa", "NVIDIA H100", minor=3),)
    assert parse(PRINTED, {bus: int(one["Device Minor"]) for bus, one in found.items()}).devices[0].minor == 3


def test_a_gpu_that_sleeps_has_no_name_to_be_chosen_by(tmp_path: Path) -> None:
    found = gpus._from_files({"0:01:00.0": {"Model": "NVIDIA T4", "GPU UUID": "GPU-????????-????"}})

    assert "nvidia-smi" in found.devices[0].problem


def test_the_drivers_program_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "asked"
    line = PRINTED.splitlines()[0]
    monkeypatch.setenv("PATH", program(tmp_path, f"echo $* >> {log}; echo '{line}'"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    found = [Pool().table(), Pool(slots=3).table()]

    assert found[0] == found[1]
    assert [one.name for one in found[0].devices] == ["NVIDIA H100 80GB HBM3"]
    assert log.read_text().count("--query-gpu=index,uuid,name,memory.total,pci.bus_id") == 1


@pytest.mark.parametrize("script", ["echo 'Failed to initialize NVML: Driver mismatch'; exit 18", "exit 9"])
def test_a_driver_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setenv("PATH", program(tmp_path, script))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    found = Pool().table()

    assert found.devices == ()
    assert "Driver mismatch" in found.trouble or "exit status 9" in found.trouble
    assert Pool().resolve("auto", 1) == "cpu"
    with pytest.raises(SpecError, match="nvidia-smi"):
        Pool().resolve("cuda", 1)


def test_a_gpu_without_a_node_that_kernels_can_open_is_not_used(tmp_path: Path) -> None:
    pool = fake_pool(tmp_path, 3)
    (tmp_path / "dev" / "nvidia0").unlink()
    (tmp_path / "dev" / "nvidia1").chmod(0o600)

    missing, closed, good = pool.table().devices

    assert "nvidia0 is not there" in missing.problem
    assert ("nvidia1 is not open to kernels" in closed.problem) == (
        os.geteuid() == 0
    )  # else it is its owner's
    assert good.problem == ""


def test_a_kernel_needs_its_own_nodes_and_those_that_all_share(tmp_path: Path) -> None:
    table = fake_pool(tmp_path, 3).table()

    found = [Path(node).name for node in table.nodes(table.devices[1:2])]

    assert found == ["nvidia1", "nvidiactl", "nvidia-uvm"]
    assert table.nodes(()) == ()


@pytest.mark.parametrize(
    ("text", "indexes"),
    [
        (None, [0, 1]),
        ("", []),
        ("1", [1]),
        ("1,0", [1, 0]),
        ("GPU-bbbb", [1]),
        ("0,7,1", [0]),
        ("-1", []),
        ("NoDevFiles", []),
        ("1, 1", [1]),
        ("GPU-", []),
    ],
)
def test_what_cuda_would_not_see_is_not_ours_to_give(text: str | None, indexes: list[int]) -> None:
    found = visible(TWO, text)

    assert [one.index for one in found.devices] == indexes
    assert bool(found.trouble) == (indexes == [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gpu = 3", "no table of GPUs"),
        ("[[gpu]]\nname = 'x'", "no table of GPUs: Field required"),
        ("[[gpu]]\nuuid = 'x'\ncolour = 1", "no table of GPUs"),
        ("[[gpu]\n", "no table of GPUs"),
        ("[[gpu]]\nuuid = 'x'\n[[gpu]]\nuuid = 'x'", "same uuid"),
    ],
)
def test_a_table_that_makes_no_sense_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "gpus.toml").write_text(text)

    with pytest.raises(SpecError, match=words):
        read_table(tmp_path / "gpus.toml")
    with pytest.raises(SpecError, match="no table of GPUs"):
        read_table(tmp_path / "missing.toml")


def test_a_table_may_be_empty(tmp_path: Path) -> None:
    write_table(tmp_path / "gpus.toml", tmp_path, [])

    assert read_table(tmp_path / "gpus.toml").devices == ()


@pytest.mark.parametrize(
    ("wanted", "count", "there", "device"),
    [
        ("cpu", 2, 2, "cpu"),
        ("auto", 0, 2, "cpu"),
        ("auto", 1, 2, "cuda"),
        ("auto", 1, 0, "cpu"),
        ("cuda", 0, 1, "cuda"),
        ("cuda", 2, 2, "cuda"),
    ],
)
def test_the_device_follows_from_setting_limits_and_table(
    tmp_path: Path, wanted: str, count: int, there: int, device: str
) -> None:
    assert fake_pool(tmp_path, there).resolve(wanted, count) == device


@pytest.mark.parametrize(
    ("wanted", "count", "there", "words"),
    [
        ("cuda", 0, 0, "no GPU can be used here: the driver lists none.*doctor.*cpu"),
        ("cuda", 3, 2, "limits.gpus is 3, but 2 can be used here"),
        ("auto", 3, 2, "limits.gpus is 3, but 2 can be used here"),
    ],
)
def test_gpus_that_are_not_there_are_missed_before_grading_starts(
    tmp_path: Path, wanted: str, count: int, there: int, words: str
) -> None:
    with pytest.raises(SpecError, match=words):
        fake_pool(tmp_path, there).resolve(wanted, count)


def test_a_broken_gpu_is_no_reason_to_grade_on_the_cpu_without_a_word(tmp_path: Path) -> None:
    pool = fake_pool(tmp_path, 1, gpu0="it is split by MIG")

    with pytest.raises(SpecError, match="GPU 0: it is split by MIG"):
        pool.resolve("auto", 1)
