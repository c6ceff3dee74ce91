"""Pawgrade: an autograded teaching lab for deep learning on images."""

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
