"""What honest, hungry solutions earn while the machine is busy with other work.

    python benchmarks/honest_under_load.py [--data toy_pets] [--load 4]

Ten crops of each photo, fine-tuning at batch 64, an attack of forty steps with restarts and an ideal image by L-BFGS, each graded as a
submission is, in the sandbox, beside so many processes that keep a processor busy each. Printed are points, of how many, seconds, and
what the grade says of limits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat

from grader import settings
from grader.assignment.course import packaged_course
from grader.authoring import variants
from grader.grading import preparation
from grader.grading.submission import grade_submission
from grader.records import Submission

RECIPES = (
    ("oxford_pets", "ten_crop"),
    ("oxford_pets", "fine_tuned_64"),
    ("adversarial_cat", "restarts"),
    ("adversarial_cat", "lbfgs"),
)
BUSY = "while True: pass"


def graded(assignment: str, recipe: str, card: str, folder: Path) -> str:
    """Grade one recipe; return a line about it."""
    course = packaged_course()
    source, release = (
        nbformat.read(place / f"{assignment}.ipynb", as_version=4)
        for place in (course.source(assignment), course.release(assignment))
    )
    variant = variants.read_variant(course.source(assignment) / "staff" / "recipes" / f"{recipe}.py")
    handed_in = folder / "submitted" / "student01" / assignment
    handed_in.mkdir(parents=True)
    nbformat.write(variants.apply(variant, source, release), handed_in / f"{assignment}.ipynb")
    work = preparation.prepare(
        course,
        assignment,
        settings.load(None, os.environ),
        card=card,
        secret=b"a benchmark's secret",
        desk=folder / "desk",
    )
    begin = time.monotonic()
    grade = grade_submission(Submission("student01", assignment, handed_in), work).grade
    lost = [f"{one.id}: {one.exact or one.measured}" for one in grade.checks if one.points < one.max_points]
    words = [*lost, *(f"limit {grade.limit}" for _ in [0] if grade.limit), *grade.notices]
    return f"{assignment:16} {recipe:14} {grade.points:5g} of {grade.max_points:g} {time.monotonic() - begin:6.0f} s  {'; '.join(words)}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="toy_pets", help="data card")
    parser.add_argument("--load", type=int, default=4, help="busy processes beside it")
    parser.add_argument("--only", nargs="+", default=[], help="names of recipes")
    chosen = parser.parse_args(arguments)
    busy = [
        subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True) for _ in range(chosen.load)
    ]
    try:
        for assignment, recipe in RECIPES:
            if not chosen.only or recipe in chosen.only:
                with tempfile.TemporaryDirectory() as folder:
                    print(graded(assignment, recipe, chosen.data, Path(folder)), flush=True)
    finally:
        for process in busy:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
