"""The table of GPUs: which this machine has, and which of them kernels can use.

It is read from the driver's own program or files, or from a file that says what there is; never through torch, since
this process and the zygotes must not touch CUDA: their forks could not use it any more.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import os
import shutil
import stat
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.errors import SpecError

FIELDS = ("index", "uuid", "name", "memory.total", "pci.bus_id", "mig.mode.current", "driver_version")
COMMON_NODES = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")
DRIVER = Path("/proc/driver/nvidia/gpus")
NVIDIA_SMI_S = 60.0  # the first call on a machine without persistence mode wakes every GPU


@dataclass(frozen=True)
class Device:
    """One GPU.

    Attributes:
        index: its place in the driver's list, in the order of the PCI bus.
        uuid: what CUDA calls it whatever else is visible.
        name: the model.
        memory_mb: its memory, in MiB; 0 when it is not known.
        minor: number of its device node.
        problem: why kernels cannot use it; "" when they can.
    """

    index: int
    uuid: str
    name: str
    memory_mb: int = 0
    minor: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """The GPUs of this machine that are ours to use.

    Attributes:
        devices: all of them, usable or not.
        folder: where their nodes lie.
        driver: the driver's version; "" when it is not known.
        trouble: why nothing, or not all, could be found out; "" when all is well.
        declared: whether a file says so, and nobody asked the driver.
    """

    devices: tuple[Device, ...] = ()
    folder: Path = Path("/dev")
    driver: str = ""
    trouble: str = ""
    declared: bool = False

    @property
    def usable(self) -> tuple[Device, ...]:
        """Those that kernels can use."""
        return tuple(device for device in self.devices if not device.problem)

    def nodes(self, devices: Sequence[Device]) -> tuple[str, ...]:
        """Return the nodes that a kernel with these devices needs: theirs, and those that all share."""
        if not devices:
            return ()
        shared = [self.folder / name for name in COMMON_NODES]
        device_nodes = [self.folder / f"nvidia{device.minor}" for device in devices]
        return tuple(str(path) for path in (*sorted(device_nodes), *shared) if path.exists())

    def why_none(self) -> str:
        """Say why no kernel can have a GPU."""
        reasons = [
            self.trouble,
            *(f"GPU {device.index}: {device.problem}" for device in self.devices if device.problem),
        ]
        return "; ".join(reason for reason in reasons if reason) or "the driver lists none"


def forget() -> None:
    """Forget what the driver said: the next table asks again."""
    of_the_driver.cache_clear()


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    uuid: str = Field(min_length=1)
    name: str = "GPU"
    memory_mb: Annotated[int, Field(ge=0)] = 0
    minor: Annotated[int, Field(ge=0)] | None = None
    problem: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    folder: Path = Path("/dev")
    driver: str = ""
    gpu: tuple[_Entry, ...] = ()


def read_table(path: Path) -> Table:
    """Read a table from a file: `folder` of the nodes, `driver`, and `[[gpu]]` with `uuid`, `name`, `memory_mb`, `minor`, `problem`.

    Raises:
        SpecError: it cannot be read, or says something else.
    """
    try:
        parsed = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as exc:
        reason = str(exc) if not isinstance(exc, ValidationError) else exc.errors()[0]["msg"]
        raise SpecError(f"{path} is no table of GPUs: {reason}.", "docs/devices.md shows one.") from exc
    # Slots are locked by uuid: two GPUs of one name would share their locks.
    uuids = [entry.uuid for entry in parsed.gpu]
    if len({*uuids}) != len(uuids):
        raise SpecError(f"{path}: two GPUs have the same uuid.")
    devices = tuple(
        Device(
            index,
            entry.uuid,
            entry.name,
            entry.memory_mb,
            index if entry.minor is None else entry.minor,
            entry.problem,
        )
        for index, entry in enumerate(parsed.gpu)
    )
    return _with_nodes(Table(devices, parsed.folder, parsed.driver, declared=True))


@functools.cache
def of_the_driver() -> Table:
    """Ask the driver's program; where it is missing, read what the driver shows in /proc."""
    program, facts_by_bus = shutil.which("nvidia-smi"), _driver_files(DRIVER)
    if program is None:
        if not facts_by_bus:
            return Table()
        trouble = "nvidia-smi is not found, so memory and MIG are not known"
        return _with_nodes(replace(_from_files(facts_by_bus), trouble=trouble))
    line = [program, f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=NVIDIA_SMI_S)
    except (OSError, subprocess.TimeoutExpired) as exc:
        return Table(trouble=f"nvidia-smi: {exc}")
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        return Table(trouble=f"nvidia-smi: {lines[-1] if lines else f'exit status {done.returncode}'}")
    minors = {bus: int(facts.get("Device Minor", "-1")) for bus, facts in facts_by_bus.items()}
    return _with_nodes(parse(done.stdout, minors))


def parse(text: str, minors: Mapping[str, int]) -> Table:
    """Read what `nvidia-smi --query-gpu` printed for `FIELDS`.

    Args:
        text: CSV without header and units.
        minors: number of the device node by place on the PCI bus; the index stands in for one that is missing.
    """
    devices, driver, trouble = [], "", ""
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(row) != len(FIELDS) or not row[0].strip().isdigit():
            trouble = f"nvidia-smi printed {','.join(row)[:100]!r}"
            continue
        index, uuid, name, memory, bus, mig, version = (value.strip() for value in row)
        driver = version or driver
        problem = ""
        if mig == "Enabled":
            problem = "it is split by MIG, which is not supported"
        elif not uuid.startswith("GPU-") or memory in {
            "[Unknown Error]",
            "[GPU is lost]",
            "[Reset Required]",
        }:
            problem = f"the driver says {uuid if not uuid.startswith('GPU-') else memory}"
        minor = minors.get(_bus(bus), -1)
        # What the driver cannot tell is no number, such as `[N/A]`.
        number = int(memory) if memory.isdigit() else 0
        devices.append(Device(int(index), uuid, name, number, minor if minor >= 0 else int(index), problem))
    return Table(tuple(devices), driver=driver, trouble=trouble)


def _driver_files(folder: Path) -> dict[str, dict[str, str]]:
    """Read what the driver says of each GPU, by its place on the PCI bus."""
    facts_by_bus = {}
    for path in sorted(folder.glob("*/information")):
        with contextlib.suppress(OSError):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            pairs = (line.split(":", 1) for line in lines if ":" in line)
            facts_by_bus[_bus(path.parent.name)] = {key.strip(): value.strip() for key, value in pairs}
    return facts_by_bus


def _from_files(facts_by_bus: Mapping[str, Mapping[str, str]]) -> Table:
    devices = []
    for index, (_, facts) in enumerate(sorted(facts_by_bus.items())):
        uuid = facts.get("GPU UUID", "")
        # The driver writes question marks for a GPU that nobody has woken yet.
        asleep = not uuid or "?" in uuid
        problem = "its UUID is not known; install nvidia-smi" if asleep else ""
        minor = facts.get("Device Minor", str(index))
        devices.append(
            Device(index, uuid or f"unknown-{index}", facts.get("Model", "GPU"), 0, int(minor), problem)
        )
    return Table(tuple(devices))


def _bus(address: str) -> str:
    """Write a place on the PCI bus in one way: the driver's program and its files differ in case and zeros."""
    domain, _, rest = address.strip().lower().partition(":")
    return f"{domain.lstrip('0') or '0'}:{rest}"


def _with_nodes(table: Table) -> Table:
    """Note which GPUs have a node that kernels, which are not root, can open."""
    devices = []
    for device in table.devices:
        node, problem = table.folder / f"nvidia{device.minor}", ""
        try:
            mode = stat.S_IMODE(node.stat().st_mode)
        except OSError:
            problem = f"{node} is not there; run nvidia-modprobe, or give the GPU to the container"
        else:
            # Root may open any node, and kernels are not root: for them the mode decides.
            if (os.geteuid() == 0 and mode & 0o006 != 0o006) or not os.access(node, os.R_OK | os.W_OK):
                problem = f"{node} is not open to kernels: chmod 666, or NVreg_DeviceFileMode=0666"
        devices.append(replace(device, problem=device.problem or problem))
    return replace(table, devices=tuple(devices))


def visible(table: Table, text: str | None) -> Table:
    """Keep what `CUDA_VISIBLE_DEVICES` names; as in CUDA, nothing counts after a name that stands for nothing."""
    if text is None:
        return table
    chosen: list[Device] = []
    for name in text.split(","):
        identifier = name.strip()
        matches = [
            device
            for device in table.devices
            if (identifier.isdigit() and device.index == int(identifier))
            # As in CUDA the beginning of a uuid will do; `GPU-` alone names nothing.
            or (not identifier.isdigit() and len(identifier) > 4 and device.uuid.startswith(identifier))
        ]
        # Unknown or ambiguous: the names behind it do not count either.
        if len(matches) != 1:
            break
        chosen += [device for device in matches if device not in chosen]
    trouble = table.trouble
    if table.devices and not chosen:
        trouble = f"CUDA_VISIBLE_DEVICES={text!r} leaves none"
    return replace(table, devices=tuple(chosen), trouble=trouble)
