"""What honest, weak and broken solutions of an assignment earn: every recipe and mutant, graded like a class.

    PAWGRADE_DATA=... .venv/bin/python benchmarks/weak_variants.py [--assignment ID] [--data CARD] [--only NAME ...]

Prints a Markdown table: points by exercise, seconds, whether it is as the variant's header says, the checks that failed, and
what the checks worth at least 10 points measured.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import nbformat

from grader.assignment.course import packaged_course
from grader.authoring import variants
from grader.grading import preparation
from grader.grading.submission import grade_submission
from grader.records import Grade, Status, Submission
from grader.settings import load


def measured(grade: Grade) -> str:
    """Return what the checks that matter most measured, without their intervals."""
    said = [one.measured for one in grade.checks if one.max_points >= 10 and one.measured]
    return "; ".join(re.sub(r"; 95 % interval [^)]*", "", one) for one in said) or "-"


def failed(grade: Grade) -> list[str]:
    """Return the ids of the checks that failed."""
    return [one.id for one in grade.checks if one.status is Status.FAILED]


def as_said(variant: variants.Variant | None, grade: Grade) -> str:
    """Say whether a grade is what the variant's header promises; an honest recipe promises full marks."""
    if variant is None:
        return "-"
    lost = {one.id for one in grade.exercises if one.points < one.max_points}
    if variant.loses is None:
        return "weak" if variant.weak else "yes" if not lost else "NO: loses points"
    wrong = [] if lost == set(variant.loses) else [f"loses {', '.join(sorted(lost)) or 'nothing'}"]
    if variant.fails is not None and set(failed(grade)) != set(variant.fails):
        wrong.append("other checks fail")
    return f"NO: {'; '.join(wrong)}" if wrong else "yes"


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
        (one.name, one.title, variants.apply(one, source, release), one)
        for kind in ("recipes", "mutants")
        for one in variants.read_variants(course.source(name), kind)
    ]
    rows = [
        ("source", "The reference solution", source, None),
        ("release", "The empty template", release, None),
        *found,
    ]
    with tempfile.TemporaryDirectory() as folder:
        work = preparation.prepare(
            course, name, settings, card=chosen.data, secret=b"benchmarks", desk=Path(folder) / "desk"
        )
        exercises = [one.id for one in work.context.assignment.exercises]
        print(
            f"| on {work.context.card} | {' | '.join(exercises)} | points | s | as said | failed | measured |"
        )
        print("|---" * (len(exercises) + 6) + "|")
        for key, title, notebook, variant in rows:
            if chosen.only and key not in chosen.only:
                continue
            handed_in = Path(folder) / key / name
            handed_in.mkdir(parents=True)
            nbformat.write(notebook, handed_in / f"{name}.ipynb")
            grade = grade_submission(Submission(key, name, handed_in), work).grade
            points = " | ".join(f"{one.points:g}" for one in grade.exercises)
            total = f"{grade.points:g}/{grade.max_points:g} | {grade.seconds.total:.0f}"
            found_out = f"{as_said(variant, grade)} | {', '.join(failed(grade)) or '-'} | {measured(grade)}"
            print(f"| {title} | {points} | {total} | {found_out} |", flush=True)


if __name__ == "__main__":
    main()
