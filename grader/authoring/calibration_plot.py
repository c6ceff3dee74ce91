"""Plots for staff: how honest solutions are spread around the levels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from grader.assignment.calibrated import Calibration
from grader.assignment.spec import Levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.calibration.statistics import Measured

DOTS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#999999", "#000000")
ROW_INCHES, WIDTH_INCHES = 0.32, 9.0


def calibration(
    found: Calibration,
    measured: Mapping[str, Sequence[Measured]],
    levels: Mapping[str, Levels],
    title: str,
) -> bytes:
    """Draw a strip for each measure: a dot a run, a row a recipe, the levels as lines.

    Args:
        found: the calibration.
        measured: its runs by measure.
        levels: those in force, by name.
        title: of the picture.

    Returns:
        A PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(measured)
    height = len(names) * (ROW_INCHES * len(found.recipes) + 0.75) + 0.9
    # Without pyplot, which would keep every figure for the process.
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{title}: {found.runs} honest runs, {found.seeds} seeds, {found.splits} splits", fontsize=11
    )
    for axes, name in zip(figure.subplots(len(names), 1, squeeze=False)[:, 0], names, strict=True):
        level = levels[found.measures[name].level]
        for row, recipe in enumerate(found.recipes):
            values = [run.value for run in measured[name] if run.recipe == recipe]
            # At three heights in turn, so that equal values do not hide each other.
            rows = [row + 0.28 * (position % 3 - 1) for position in range(len(values))]
            axes.scatter(values, rows, s=14, color=DOTS[row % len(DOTS)], alpha=0.75, linewidths=0)
        axes.axvline(level.full_at, color="#333333", linewidth=1.2)
        axes.text(level.full_at, len(found.recipes) - 0.45, " full credit", fontsize=7, va="bottom")
        lowest = min(run.value for run in measured[name])
        highest = max(run.value for run in measured[name])
        # Some width even where all runs agree.
        room = 0.08 * max(highest - min(lowest, level.full_at), 0.02)
        axes.set_xlim(min(lowest, level.full_at) - room, highest + room)
        # The smaller number on top: recipes are read downwards.
        axes.set_ylim(len(found.recipes) - 0.4, -0.8)
        axes.set_yticks(range(len(found.recipes)), found.recipes, fontsize=7)
        axes.tick_params(axis="x", labelsize=7)
        spread = found.measures[name]
        counted = f" of {spread.trials} photos" if spread.trials else ""
        axes.set_title(
            f"{name}{counted}: mean {spread.mean:.3f}, chance of a loss {spread.rate:.2g}",
            fontsize=8,
            loc="left",
        )
        axes.grid(axis="x", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()
