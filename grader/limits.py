"""What a run may use: seconds, memory, disk, processes, output."""

from __future__ import annotations

from pydantic import Field

from grader.schema import Strict


class Limits(Strict):
    """What one submission may use.

    Attributes:
        wall_s: the whole submission, notebook and probes, in seconds.
        cell_s: one cell, in seconds.
        memory_mb: resident memory of the whole process tree, in MiB.
        disk_mb: what it may write, in MiB.
        processes: how many processes and threads may live at once.
        output_kb: what the notebook may print and display in all, in KiB.
        cpus: threads for numerical libraries.
        gpus: GPU slots.
    """

    wall_s: float = Field(600, gt=0)
    cell_s: float = Field(240, gt=0)
    memory_mb: int = Field(6144, gt=0)
    disk_mb: int = Field(512, gt=0)
    processes: int = Field(128, gt=0)
    output_kb: int = Field(512, gt=0)
    cpus: int = Field(2, gt=0)
    gpus: int = Field(0, ge=0)

    def of_a_kernel(self) -> dict[str, int]:
        """Return those that a kernel's sandbox enforces; the engine keeps the others."""
        return self.model_dump(include={"memory_mb", "disk_mb", "processes", "cpus"})
