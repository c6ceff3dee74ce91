"""What honest, weak and broken solutions of an assignment earn: every recipe and mutant, graded like a class.

    PAWGRADE_DATA=... .venv/bin/python benchmarks/weak_variants.py [--assignment ID] [--data CARD] [--only NAME ...]

Prints a Markdown table: points by exercise, seconds, and what the checks worth at least 10 points measured.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import nbformat

from grader import pipeline, preparation, variants
from grader.course import packaged_course
from grader.records import Grade, Submission
from grader.settings import load


def measured(grade: Grade) -> str:
    """Return what the checks that matter most measured, without their intervals."""
    said = [one.measured for one in grade.checks if one.max_points >= 10 and one.measured]
    return "; ".join(re.sub(r"; 95 % interval [^)]*", "", one) for one in said) or "-"


def main() -> None:
    """Grade and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--assignment", default="oxford_pets")
    parser.add_argument("--data", default=None)
    parser.add_argument("--only", nargs="*", default=None)
    chosen = parser.parse_args()
    course, name = packaged_course(), chosen.assignment
    settings = replace(load(None, os.environ), secret=b"benchmarks keep no secrets")
    source = nbformat.read(course.source(name) / f"{name}.ipynb", as_version=4)
    release = nbformat.read(course.release(name) / f"{name}.ipynb", as_version=4)
    found = [
        (one.name, one.title, variants.apply(one, source, release))
        for kind in ("recipes", "mutants")
        for one in variants.read_variants(course.source(name), kind)
    ]
    rows = [("source", "The reference solution", source), ("release", "The empty template", release), *found]
    with tempfile.TemporaryDirectory() as folder:
        work = preparation.prepare(
            course, name, settings, card=chosen.data, secret=b"benchmarks", desk=Path(folder) / "desk"
        )
        exercises = [one.id for one in work.context.assignment.exercises]
        print(f"| on {work.context.card} | {' | '.join(exercises)} | points | s | measured |")
        print("|---" * (len(exercises) + 4) + "|")
        for key, title, notebook in rows:
            if chosen.only and key not in chosen.only:
                continue
            handed_in = Path(folder) / key / name
            handed_in.mkdir(parents=True)
            nbformat.write(notebook, handed_in / f"{name}.ipynb")
            grade = pipeline.grade(Submission(key, name, handed_in), work).grade
            points = " | ".join(f"{one.points:g}" for one in grade.exercises)
            total = f"{grade.points:g}/{grade.max_points:g} | {grade.seconds.total:.0f}"
            print(f"| {title} | {points} | {total} | {measured(grade)} |", flush=True)


if __name__ == "__main__":
    main()
