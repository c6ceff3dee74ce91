"""The checks that students can read and run: `lab.check("classify")` in the notebook, or `pawgrade check`.

In the notebook they ask about the validation photos; when a submission is graded, about photos that nobody has seen.
"""

import numpy as np
import pytest

from grader.checks import (
    Material,
    Question,
    batched,
    confusion,
    correct_top_k,
    gather,
    predictions,
    require,
    require_count,
    show,
)


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what is asked: sets of calls by name. What stands in a question's key never reaches the notebook."""
    rows = material.rng.permutation(len(material.images))[: material.counts["photos"]]
    # In batches of unequal sizes, and some photos twice: an answer must not depend on the company.
    asked = batched(
        "classify", material.images[rows], material.rng, mirrored=False, again=material.counts["again"]
    )
    key = {"labels": material.labels[rows]}
    return {
        "pictured": [Question("classify", (material.shown,), {"labels": material.shown_labels}, shown=True)],
        "photos": [
            Question(question.entry_point, question.arguments, {**question.key, **key}, partial=True)
            for question in asked
        ],
    }


@pytest.mark.exercise("classify", points=2, asks=("pictured", "photos"))
def test_answers_agree(answers, classes):
    """A photo gets the same scores again, alone or in company."""
    (public,) = answers("pictured")
    matrix = confusion(public.key["labels"], predictions(public.value), len(classes))
    # A picture for the feedback. It comes before the hidden answers are looked at: later ones are for staff alone.
    show("confusion", "Who was taken for whom", matrix=matrix, names=list(classes))
    hint = "No dropout while answering, and nothing that depends on the other photos of a batch: is it model.eval()?"
    require(gather(answers("photos")).disagreement, at_most=1e-2, what="largest difference", hint=hint)


@pytest.mark.exercise("classify", points=6, asks="photos", after="answers_agree")
def test_photos_are_recognised(answers, levels):
    """Your network names the class of photos that it has not seen."""
    scores, labels = gather(answers("photos")).plain, answers("photos")[0].key["labels"]
    hint = "Columns are in the order of lab.classes(). Did the head see features, not pixels?"
    right = correct_top_k(scores, labels, 1)
    require_count(right, of=len(labels), levels=levels["classes"], what="accuracy", hint=hint)
