"""Hold GPUs for kernels, and tell what a kernel sees of them.

A GPU has slots. A slot is a locked file, so that two graders of a user on one machine do not take the same one, and the
slots of a grader that was killed are free at once.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grader import kernel_env
from grader.errors import NoGpuSlot, SpecError
from grader.execution import gpus
from grader.execution.gpus import Device, Table

PATIENCE_S = 4 * 3600.0  # whoever holds a slot is bounded by its own limits, and there may be a queue
POLL_S = 0.25
ADVICE = "`pawgrade doctor` shows the GPUs; grade with device = cpu, or on a machine that has one."


@dataclass(frozen=True)
class Pool:
    """Where the table comes from, and how many kernels may use a GPU at once.

    Attributes:
        file: a table to believe; None: the driver is asked.
        slots: kernels on one GPU at a time. Its memory is not split between them.
    """

    file: Path | None = None
    slots: int = 1

    def table(self) -> Table:
        """Return the GPUs that `CUDA_VISIBLE_DEVICES` of this process leaves us: all, where it is not set."""
        table = gpus.of_the_driver() if self.file is None else gpus.read_table(self.file)
        return gpus.visible(table, os.environ.get("CUDA_VISIBLE_DEVICES"))

    def resolve(self, wanted: str, count: int) -> Literal["cpu", "cuda"]:
        """Say on what an assignment runs here.

        Args:
            wanted: `cpu`; `cuda`: a GPU whatever the limits say; `auto`: one when the limits ask for it and the machine
                has any.
            count: how many the assignment's limits ask for.

        Raises:
            SpecError: there are not as many as that.
        """
        if wanted == "cpu" or (wanted == "auto" and count == 0):
            return "cpu"
        table = self.table()
        usable = len(table.usable)
        if wanted == "auto" and not table.devices:
            return "cpu"
        if usable == 0:  # one that is broken is no reason to grade on something else without a word
            raise SpecError(f"device is cuda, but no GPU can be used here: {table.why_none()}.", ADVICE)
        if usable < count:
            raise SpecError(f"limits.gpus is {count}, but {usable} can be used here.", ADVICE)
        return "cuda"


@dataclass(frozen=True)
class Held:
    """The GPUs that one kernel may use; none for a kernel on the CPU.

    Attributes:
        devices: the GPUs.
        nodes: device nodes that it needs.
        pool: where they are from.
        shared: whether other kernels may use them at the same time.
        driver: the driver's version.
        declared: whether a file says what there is, and nobody asked the driver.
    """

    devices: tuple[Device, ...] = ()
    nodes: tuple[str, ...] = ()
    pool: Pool = field(default_factory=Pool)
    shared: bool = False
    driver: str = ""
    declared: bool = False

    def environment(self) -> dict[str, str]:
        """Return what the kernel's libraries read before any of its code runs."""
        if not self.devices:
            # Empty, not absent: absent would mean all.
            return {"CUDA_VISIBLE_DEVICES": ""}
        names = ",".join(device.uuid for device in self.devices)
        return {
            "CUDA_VISIBLE_DEVICES": names,
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            **kernel_env.VARIABLES,
        }

    def describe(self) -> str:
        """Name model and driver, for the record of a grade; "" on the CPU."""
        models = ", ".join(device.name for device in self.devices)
        return f"{models} (driver {self.driver or 'unknown'})" if models else ""

    def problem(self) -> str:
        """Look again: say why one of these GPUs can no longer be used, or ""."""
        # The table is cached, and older than the failure.
        gpus.forget()
        now = {device.uuid: device for device in self.pool.table().devices}
        for device in self.devices:
            if device.uuid not in now:
                return f"GPU {device.index} is no longer there"
            if now[device.uuid].problem:
                return f"GPU {device.index}: {now[device.uuid].problem}"
        return ""

    def avoid(self) -> None:
        """Let this process take other GPUs than these from now on: they failed."""
        _avoided.update(device.uuid for device in self.devices)


_avoided: set[str] = set()
_last: list[str] = []  # zygotes are made per GPU: who takes the same one again finds it warm


@contextlib.contextmanager
def hold(
    device: str, count: int, pool: Pool, *, alone: bool = False, patience_s: float = PATIENCE_S
) -> Iterator[Held]:
    """Hold what one kernel needs until the block ends, or this process does.

    Args:
        device: `cpu` or `cuda`.
        count: how many; `cuda` means at least one.
        pool: where from.
        alone: take all slots of each, so that no other kernel is on them.
        patience_s: seconds to wait for others.

    Raises:
        NoGpuSlot: none became free in that time, or none is left that works.
    """
    if device == "cpu":
        yield Held()
        return
    table, count = pool.table(), max(1, count)
    deadline = time.monotonic() + patience_s
    with contextlib.ExitStack() as locks:
        while True:
            usable = [gpu for gpu in table.usable if gpu.uuid not in _avoided]
            if len(usable) < count:
                raise NoGpuSlot(f"{count} GPUs wanted, {len(usable)} work here: {table.why_none()}.", ADVICE)
            usable.sort(key=lambda gpu: (gpu.uuid not in _last, gpu.index))
            chosen = _take(usable, count, pool.slots, locks, alone=alone)
            if chosen:
                break
            if time.monotonic() >= deadline:
                raise NoGpuSlot(
                    f"{count} of {len(usable)} GPUs wanted, none became free in {patience_s:g} s.",
                    "Another grader holds them; `pawgrade doctor` shows the slots.",
                )
            time.sleep(POLL_S * random.uniform(0.5, 1.5))  # noqa: S311 - so that two who wait do not keep step
        _last[:] = [gpu.uuid for gpu in chosen]
        shared = pool.slots > 1 and not alone
        yield Held(chosen, table.nodes(chosen), pool, shared, table.driver, table.declared)


def free_slots(device: Device, pool: Pool) -> int:
    """Count the slots of a GPU that nobody holds at the moment."""
    free = 0
    for slot in range(pool.slots):
        with contextlib.ExitStack() as locks:
            free += _lock(device, slot, locks)
    return free


def _take(
    usable: Sequence[Device], count: int, slots: int, locks: contextlib.ExitStack, *, alone: bool
) -> tuple[Device, ...]:
    """Take slots of `count` GPUs at once, or none: who held one and waited for another would block both."""
    with contextlib.ExitStack() as taken:
        chosen = []
        for device in usable:
            with contextlib.ExitStack() as device_locks:
                # A generator: `any` stops at the first slot it gets, `all` at the first that it does not.
                got = (_lock(device, slot, device_locks) for slot in range(slots))
                if all(got) if alone else any(got):
                    # Moved out of its block, whose end gives back what is not moved.
                    taken.push(device_locks.pop_all())
                    chosen.append(device)
            if len(chosen) == count:
                # All at once, or none: now the caller's block holds them.
                locks.push(taken.pop_all())
                return tuple(sorted(chosen, key=lambda gpu: gpu.index))
    return ()


def _lock(device: Device, slot: int, locks: contextlib.ExitStack) -> bool:
    from filelock import FileLock, Timeout

    name = re.sub(r"[^A-Za-z0-9._-]", "_", device.uuid)
    lock = FileLock(_slots_folder() / f"{name}-{slot}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    locks.callback(lock.release)
    return True


def _slots_folder() -> Path:
    if sys.platform == "linux":
        from grader.sandbox.host.client import runtime_folder

        folder = runtime_folder() / "gpus"
    else:
        folder = Path(tempfile.gettempdir(), "pawgrade-gpus")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
