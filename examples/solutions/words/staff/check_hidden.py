"""Corner cases of the words: parts of words, capitals, words that occur twice, and a sentence without any."""

import numpy as np
import pytest

from grader.checks import Question, different, require

SENTENCES = ["The THE the", "another other", "", "notgood not  good", "fish fish bill"]
VOCABULARY = ["the", "other", "not", "good", "fish"]
EXPECTED = [[3, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 2]]


def questions(material):
    order = material.rng.permutation(len(VOCABULARY))
    asked = (np.array(SENTENCES), np.array(VOCABULARY)[order])
    return {"odd": [Question("counts", asked, {"expected": np.array(EXPECTED)[:, order]})]}


@pytest.mark.exercise("counts", points=3, asks="odd")
def test_whole_words_whatever_their_case(answers):
    """Capitals do not matter, parts of words do not count, and a sentence may be empty."""
    (answer,) = answers("odd")
    wrong = different(answer.value, answer.key["expected"])
    hint = "lower() and split() once, then compare whole words: `in` finds parts of words, too."
    require(wrong, at_most=0, what="wrong numbers", hint=hint)
