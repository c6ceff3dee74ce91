"""The checks that students can read and run: `lab.check("liked")` in the notebook, or `pawgrade check`.

When a submission is graded they run once more, on sentences that nobody has seen. The grammar is the notebook's.
"""

import numpy as np
import pytest

from grader.checks import Material, Question, batched, confusion, gather, require, require_count, show

FILMS = "the film, the story, the music, the ending, the cast, the first half".split(", ")
GOOD = "good, funny, clever, moving, brilliant, lovely".split(", ")
BAD = "bad, dull, silly, slow, awful, boring".split(", ")
PICTURED = 60  # public sentences in the picture of the feedback


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what is asked: sets of calls by name. What stands in a question's key never reaches the notebook."""
    public, public_labels = draw(PICTURED, np.random.default_rng(3))
    sentences, labels = draw(material.counts["sentences"], material.rng)
    # In batches of unequal sizes, and some sentences twice: an answer must not depend on the company.
    asked = batched("liked", sentences, material.rng, mirrored=False, again=material.counts["again"])
    return {
        "public": [Question("liked", (public,), {"labels": public_labels}, shown=True)],
        "sentences": [
            Question(
                question.entry_point, question.arguments, {**question.key, "labels": labels}, partial=True
            )
            for question in asked
        ],
    }


def draw(count, rng):
    """Draw sentences and whether the film was liked, as the notebook does."""
    labels = rng.random(count) < 0.5
    sentences = []
    for label in labels:
        turned = rng.random() < 0.3
        word = rng.choice(GOOD if label != turned else BAD)
        sentences.append(
            f"{rng.choice(FILMS)} was {rng.choice(['', 'really '])}{'not ' if turned else ''}{word}"
        )
    return np.array(sentences), labels


@pytest.mark.exercise("liked", points=1, asks=("public", "sentences"))
def test_answers_are_probabilities(answers):
    """Every answer lies between 0 and 1."""
    (public,) = answers("public")
    matrix = confusion(public.key["labels"].astype(int), (public.value >= 0.5).astype(int), 2)
    # A picture for the feedback. It comes before the hidden answers are looked at: later ones are for staff alone.
    show(
        "confusion", "Who was taken for whom", matrix=matrix, names=["not liked", "liked"], things="sentences"
    )
    values = np.concatenate([answer.value for answer in answers("sentences")])
    outside = int(((values < 0) | (values > 1)).sum())
    hint = "The sigmoid 1 / (1 + exp(-score)) makes a probability of a score."
    require(outside, at_most=0, what="answers below 0 or above 1", hint=hint)


@pytest.mark.exercise("liked", points=1, asks="sentences")
def test_answers_agree(answers):
    """A sentence gets the same answer again, alone or in company."""
    hint = "Is anything drawn at random, or taken from the other sentences, while you answer?"
    require(gather(answers("sentences")).disagreement, at_most=1e-3, what="largest difference", hint=hint)


@pytest.mark.exercise("liked", points=7, asks="sentences", after="answers_agree")
def test_sentences_are_understood(answers, levels):
    """Your program tells whether a film was liked, for sentences that it has not seen."""
    values, labels = gather(answers("sentences")).plain, answers("sentences")[0].key["labels"]
    right = int(((values >= 0.5) == labels)[np.isfinite(values)].sum())
    hint = 'Single words do not know their order: is "not good" a word of its own?'
    require_count(right, of=len(labels), levels=levels["liked"], what="accuracy", hint=hint)
