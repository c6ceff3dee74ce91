"""What one pass over photos is charged while the machine is busy, by four ways to count.

    python benchmarks/time_under_load.py [--photos 40] [--rounds 3] [--loads 0 1 4 8]

The same work, features of so many photos by the lab's backbone, in a sandboxed kernel beside 0, 1, 4 and 8 processes
that keep a processor busy each. Printed are seconds by the clock on the wall; by processor time divided by `cpus`; by the
clock without what others took (what Pawgrade charges); and by the wall, scaled by a reference pass over eight photos just
before, against the same pass on the quiet machine. The last line is the spread: the largest over the smallest.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook

from grader.execution import engine, kernels
from grader.execution.clock import Reading, charged_s
from grader.execution.engine import GradingClient, Run
from grader.limits import Limits

CPUS, REFERENCE = 2, 8
SETUP = """
import numpy as np
from grader import lab
backbone = lab.backbone("efficientnet_lite0").freeze()
images = np.random.default_rng(0).integers(0, 256, ({photos}, 224, 224, 3), dtype=np.uint8)
backbone.features(images[:8])
"""
BUSY = "import time\nend = time.monotonic() + 120\nwhile time.monotonic() < end: pass"


def measure(photos: int, rounds: int) -> list[dict[str, float]]:
    """Run the work in a fresh kernel; return one row of seconds a round."""
    rows: list[dict[str, float]] = []

    def timed(client: GradingClient, code: str) -> Reading:
        begin = client.meter.reading()
        client.request(code, 300)
        return client.meter.reading().since(begin)

    def ask(client: GradingClient) -> None:
        for _ in range(rounds):
            reference = timed(client, f"backbone.features(images[:{REFERENCE}])")
            passed = timed(client, "backbone.features(images)")
            rows.append(
                {
                    "wall": passed.wall_s,
                    "processors": passed.cpu_s / CPUS,
                    "charged": charged_s(passed, CPUS),
                    "reference": reference.wall_s,
                }
            )

    cells = [
        new_code_cell("seed = 0", metadata={"tags": ["parameters"]}),
        new_code_cell(SETUP.format(photos=photos)),
    ]
    spec = {"name": kernels.SANDBOXED, "display_name": "Python", "language": "python"}
    limits = Limits(wall_s=600, cell_s=300, cpus=CPUS)
    with tempfile.TemporaryDirectory() as folder:
        box = kernels.Sandbox(limits)
        with kernels.lease(kernels.SANDBOXED, cwd=Path(folder), environment={}, sandbox=box) as lease:
            notebook = new_notebook(cells=cells, metadata={"kernelspec": spec})
            execution = engine.run(notebook, Run(lease, limits, ask), {})
    for cell in execution.failed:
        raise SystemExit(f"{cell.error}: {cell.message}")
    return rows


def under(load: int, photos: int, rounds: int) -> list[dict[str, float]]:
    """Do so beside busy processes, which end with it."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True) for _ in range(load)]
    try:
        return measure(photos, rounds)
    finally:
        for process in busy:
            process.kill()
            process.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loads", type=int, nargs="+", default=[0, 1, 4, 8])
    chosen = parser.parse_args(arguments)
    found = {load: under(load, chosen.photos, chosen.rounds) for load in chosen.loads}
    quiet = min(row["reference"] for row in found[chosen.loads[0]])
    ways = ("wall", "processors", "charged", "scaled")
    everything: dict[str, list[float]] = {way: [] for way in ways}
    print("load", *(f"{way:>18}" for way in ways))
    for load, rows in found.items():
        seconds = {way: [row.get(way, 0.0) for row in rows] for way in ways}
        seconds["scaled"] = [row["wall"] * quiet / row["reference"] for row in rows]
        print(f"{load:4}", *(f"{min(seconds[way]):8.1f} - {max(seconds[way]):5.1f} s" for way in ways))
        for way in ways:
            everything[way] += seconds[way]
    print("spread", *(f"{max(everything[way]) / min(everything[way]):16.2f} x" for way in ways))


if __name__ == "__main__":
    main()
