"""Pawgrade: an autograded teaching lab for deep learning on images.

The path of one submission, by rooms:

    a student's notebook
      -> `notebooks`    is read within limits, and what must not change is put back
      -> `sandbox`      gets a kernel of its own, which sees nothing of this machine
      -> `execution`    runs there, cell by cell, within limits
      -> `judging`      is asked questions about photos that it never saw; answers are read as inert bytes
      -> `checks`       and judged in another process by the checks that staff wrote
      -> `grading`      which makes a grade of it, for one submission, a class, or a student at home
      -> `gradebook`    the attempt is stored, nbgrader's gradebook follows
      -> `feedback`     and the student reads a page.

What they work on: `assignment` (what staff write, and where a course keeps it), `datasets` (data cards, splits, hidden photos),
`networks` (published weights), `downloads`. What notebooks import: `lab`. What staff do beside grading: `collecting` brings hand-ins of learning
platforms to where they are graded, `authoring` makes an assignment and proves that it is right, `calibration` says which levels are fair, `reports` is what they and other programs read. `cli` is the command line.

The files at this level are the words that all rooms share. Who may import whom is the table in `tests/test_layers.py`.
"""

import os

from grader import visible
from grader.errors import GraderError, InfrastructureError, SpecError, SubmissionError
from grader.records import Check, Grade, Limit, Status, Submission

__all__ = [
    "Check",
    "Grade",
    "GraderError",
    "InfrastructureError",
    "Limit",
    "SpecError",
    "Status",
    "Submission",
    "SubmissionError",
]

if (
    os.environ.get("PAWGRADE_LEASE", "keeper") != "keeper"
):  # a notebook is graded in this process, without a sandbox
    visible.guard(os.environ.get(visible.WITHHELD_VARIABLE, "").split())
