"""Pawgrade: an autograded teaching lab for deep learning on images."""

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
