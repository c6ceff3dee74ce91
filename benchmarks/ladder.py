"""What the best of many tries reads, with and without the Ladder, when nothing improves at all.

    .venv/bin/python benchmarks/ladder.py [--photos 200] [--tries 20] [--accuracy 0.8] [--students 1000]

Every try has the same true accuracy; only luck differs. Prints a Markdown table: what the feedback reads after the
last try (mean, and 5 % to 95 % of the students), and how many of the tries it showed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grader.feedback.ladder import releases
from grader.records import Check, Grade, Requirement, Seconds, Status

STEPS = (0.02, 0.04, 0.06, 0.08, 0.10)


@dataclass(frozen=True)
class Reading:
    """What students read of their accuracy after the last try.

    Attributes:
        shown: float64 `[students]`.
        turns: how many tries were shown, on average; 0 when that is not known.
    """

    shown: npt.NDArray[np.float64]
    turns: float = 0.0


def attempt(correct: int, photos: int) -> Grade:
    """Return a grade with one check that measured an accuracy."""
    demand = Requirement("check_public.py:1", "top-1 accuracy", True, correct / photos, "", correct, photos)
    check = Check("top_1", "breeds", Status.PASSED, 30.0, 30.0, requirements=(demand,))
    return Grade(
        "student01",
        "oxford_pets",
        "a1",
        Status.PASSED,
        30.0,
        30.0,
        None,
        True,
        (),
        (check,),
        (),
        None,
        Seconds(),
        "none",
        "cpu",
        0,
        "toy_pets",
    )


def simulate(
    correct: npt.NDArray[np.int64], photos: int, steps: tuple[float, ...] = STEPS
) -> dict[str, Reading]:
    """Return what is read by whom: `best` of all tries, `last` one, and by each step of the Ladder.

    Args:
        correct: int64 `[students, tries]`, photos named rightly.
        photos: how many were asked.
        steps: in accuracy.
    """
    found = {"best": Reading(correct.max(axis=1) / photos), "last": Reading(correct[:, -1] / photos)}
    histories = [[attempt(int(one), photos) for one in row] for row in correct]
    for step in steps:
        shown = [next(iter(releases(history, step)["top_1"].scores.values())) for history in histories]
        turns = [
            sum(releases(history[: turn + 1], step)["top_1"].turn == turn + 1 for turn in range(len(history)))
            for history in histories[:50]
        ]
        found[f"{step:g}"] = Reading(np.array(shown), float(np.mean(turns)))
    return found


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--accuracy", type=float, default=0.8)
    parser.add_argument("--students", type=int, default=1000)
    chosen = parser.parse_args()
    rng = np.random.default_rng(2015)
    correct = rng.binomial(chosen.photos, chosen.accuracy, (chosen.students, chosen.tries))
    deviation = (chosen.accuracy * (1 - chosen.accuracy) / chosen.photos) ** 0.5
    print(
        f"{chosen.tries} tries at {chosen.accuracy:g} on {chosen.photos} photos (deviation {deviation:.3f})\n"
    )
    print("| feedback reads | mean | 5 % to 95 % | tries shown |\n|---|---|---|---|")
    words = {"best": "the best of all tries", "last": "the last try"}
    for name, reading in simulate(correct, chosen.photos).items():
        low, high = np.quantile(reading.shown, (0.05, 0.95))
        title, turns = (
            words.get(name, f"Ladder, step {name}"),
            f"{reading.turns:.1f}" if reading.turns else "all",
        )
        print(f"| {title} | {reading.shown.mean():.3f} | {low:.2f} to {high:.2f} | {turns} |")


if __name__ == "__main__":
    main()
