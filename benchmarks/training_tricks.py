"""Which statements about training tricks survive a few seeds: difference, interval and verdict, beside several hundred runs.

    .venv/bin/python benchmarks/training_tricks.py [--seeds 5] [--reference 400] [--write]

Runs the cells of the source notebook of `training_tricks` that train and compare, and prints a Markdown table. With `--write` the
means and deviations of the reference runs go into the assignment's `staff/reference.py`, which its hidden checks read.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from typing import Any

import nbformat
import numpy as np
import numpy.typing as npt

from grader.assignment.course import packaged_course
from grader.files import replacing
from grader.notebooks.cells import code_cells

ID = "training_tricks"
CELLS = ("data-load", "train-code", "compare-code")
SIDE_BY_SIDE = 50  # seeds that are trained at a time: more take more memory and save nothing
REFERENCE_SEEDS = 10_000_000  # where those of the reference begin, far from the notebook's
VERDICTS = {1: "better", 0: "not told apart", -1: "worse"}

Floats = npt.NDArray[np.float64]


def cells() -> dict[str, Any]:
    """Run the notebook's cells that are needed here, and return what they define."""
    import matplotlib as mpl

    mpl.use("agg")  # one of them draws
    import torch
    from matplotlib import pyplot
    from scipy import stats

    from grader import lab

    space: dict[str, Any] = {"np": np, "torch": torch, "functional": torch.nn.functional, "plt": pyplot}
    space |= {"stats": stats, "lab": lab}
    notebook = nbformat.read(packaged_course().source(ID) / f"{ID}.ipynb", as_version=4)
    sources = {cell.id: cell.source for cell in code_cells(notebook)}
    for name in CELLS:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(sources[name], space)  # noqa: S102 - our own notebook
    return space


def accuracies(space: dict[str, Any], seeds: int, first: int) -> Floats:
    """Train each setting with seeds of its own, and return float `[settings, seeds]`."""
    rows = []
    for number, setting in enumerate(space["SETTINGS"].values()):
        numbers = first + 10_000 * number + np.arange(seeds)
        groups = [numbers[start : start + SIDE_BY_SIDE] for start in range(0, seeds, SIDE_BY_SIDE)]
        rows.append(np.concatenate([space["train"](group, **setting) for group in groups]))
    return np.array(rows)


def write(reference: Floats) -> None:
    """Write the means and deviations of the reference runs, float `[settings, runs]`, beside the hidden checks."""
    means, deviations = (
        ", ".join(f"{number:.5f}" for number in numbers)
        for numbers in (reference.mean(axis=1), reference.std(axis=1, ddof=1))
    )
    text = (
        f'"""What many runs of each setting reach. Written by `benchmarks/training_tricks.py --write`. Never released."""\n\n'
        f"import numpy as np\n\nRUNS = {reference.shape[1]}  # of each setting\n"
        f"# Accuracies on the test digits, in the order of SETTINGS.\n"
        f"# fmt: off\nMEANS = np.array([{means}])\nDEVIATIONS = np.array([{deviations}])\n"
    )
    with replacing(packaged_course().source(ID) / "staff" / "reference.py") as path:
        path.write_text(text, encoding="utf-8")


def main() -> None:
    """Train, compare, print; with `--write` keep the reference."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="runs of each setting in the experiment")
    parser.add_argument("--reference", type=int, default=400, help="runs of each setting in the reference")
    parser.add_argument("--write", action="store_true", help="write the reference for the hidden checks")
    chosen = parser.parse_args()
    space = cells()
    few = accuracies(space, chosen.seeds, 0)
    many = accuracies(space, chosen.reference, REFERENCE_SEEDS)
    if chosen.write:
        write(many)
    row = {name: number for number, name in enumerate(space["SETTINGS"])}
    print(
        f"| statement | accuracies | {chosen.seeds} seeds: difference | 90 % interval | verdict | {chosen.reference} seeds | verdict |"
    )
    print("|---|---|---|---|---|---|---|")
    for pair in space["STATEMENTS"]:
        rows = [row[name] for name in pair]
        cells_of_row = [f"`{pair[0]}` against `{pair[1]}`", "{:.3f}, {:.3f}".format(*many[rows].mean(axis=1))]
        for results, says_difference in ((few, True), (many, False)):
            ((low, high),) = space["compare"](results[rows[:1]], results[rows[1:]])
            difference = (low + high) / 2
            verdict = VERDICTS[int(low > 0) - int(high < 0)]
            interval = f"{low:+.3f} to {high:+.3f}"
            cells_of_row += [f"{difference:+.3f}", interval] if says_difference else [interval]
            cells_of_row.append(verdict)
        print(f"| {' | '.join(cells_of_row)} |")


if __name__ == "__main__":
    main()
