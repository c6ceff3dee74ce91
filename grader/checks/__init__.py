"""The names that check files import; the session that runs the checks stands beside them.

    from grader.checks import Material, Question, batched, gather, require, require_count, show

Neither pytest nor torch is loaded by this import. Check files need no other module of `grader`.
"""

from __future__ import annotations

from grader.checks.check_files import load_checks
from grader.checks.images import from_png, to_png
from grader.checks.metrics import confusion, correct_top_k, different, largest_gap, predictions
from grader.checks.perturbations import largest_change, roughness, total_variation
from grader.checks.questions import Answer, Material, Question, batched, disagreement, gather, varied
from grader.checks.quiz import quiz_key
from grader.checks.reference import backbone, is_available, probabilities, top
from grader.checks.requirements import require, require_count, require_level, require_parts, show
from grader.datasets.photos import SIDE_PX, cat_photo

__all__ = [
    "SIDE_PX",
    "Answer",
    "Material",
    "Question",
    "backbone",
    "batched",
    "cat_photo",
    "confusion",
    "correct_top_k",
    "different",
    "disagreement",
    "from_png",
    "gather",
    "is_available",
    "largest_change",
    "largest_gap",
    "load_checks",
    "predictions",
    "probabilities",
    "quiz_key",
    "require",
    "require_count",
    "require_level",
    "require_parts",
    "roughness",
    "show",
    "to_png",
    "top",
    "total_variation",
    "varied",
]
