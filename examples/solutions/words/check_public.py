"""The checks of the words. They are no secret: only the sentences that they are run on are.

The grammar is the notebook's. Public sentences are drawn in the notebook, others when a submission is graded.
"""

import numpy as np
import pytest

from grader.checks import (
    Material,
    Question,
    batched,
    confusion,
    different,
    gather,
    require,
    require_count,
    show,
)

THINGS = "the soup, the bread, the waiter, our table, the music, the fish, the bill, the kitchen, the wine, the room"
GOOD = "good, fresh, friendly, quick, lovely, warm, clean, honest, fine, charming"
BAD = "bad, stale, rude, slow, awful, cold, dirty, dear, dull, noisy"
VOCABULARY = ["the", "not", "good", "bad", "but", "fish", "really", "waiter"]
PICTURED = 80  # public sentences in the picture


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what is asked."""
    rng, counts = material.rng, material.counts
    public, right = draw(PICTURED, np.random.default_rng(3))
    some, _ = draw(12, rng)
    asked, labels = draw(counts["sentences"], rng)
    turned, turned_labels = with_not(counts["turned"], rng)
    return {
        "public": [Question("pleased", (public,), {"labels": right}, shown=True)],
        "counted": [Question("counts", (some, np.array(VOCABULARY)), {"expected": counted(some)})],
        "sentences": planned(asked, labels, rng, again=counts["again"]),
        "turned": planned(turned, turned_labels, rng, again=0),
    }


def planned(sentences, labels, rng, *, again):
    """Ask about sentences in batches of unequal sizes."""
    asked = batched("pleased", sentences, rng, mirrored=False, again=again)
    return [
        Question(one.entry_point, one.arguments, {**one.key, "labels": labels}, partial=True) for one in asked
    ]


def clause(rng: np.random.Generator, pleased: bool) -> str:
    """Draw a clause, as the notebook does."""
    turned = rng.random() < 0.3
    adjective = rng.choice((GOOD if pleased != turned else BAD).split(", "))
    verb, how = rng.choice(["was", "seemed", "turned out"]), rng.choice(["", "", "really ", "quite "])
    return f"{rng.choice(THINGS.split(', '))} {verb} {how}{'not ' if turned else ''}{adjective}"


def draw(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw sentences and whether the guests were pleased, as the notebook does."""
    pleased = rng.random(count) < 0.5
    sentences = []
    for one in pleased:
        kind = rng.choice(["alone", "and", "but"], p=[0.4, 0.4, 0.2])
        first = "" if kind == "alone" else f"{clause(rng, one if kind == 'and' else not one)} {kind} "
        sentences.append(first + clause(rng, one))
    return np.array(sentences), pleased


def with_not(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw sentences of one clause with a "not" in it."""
    pleased = rng.random(count) < 0.5
    sentences = []
    for one in pleased:
        while " not " not in (sentence := clause(rng, one)):
            pass
        sentences.append(sentence)
    return np.array(sentences), pleased


def counted(sentences) -> np.ndarray:
    return np.array([[str(one).lower().split().count(word) for word in VOCABULARY] for one in sentences])


@pytest.mark.exercise("counts", points=5, asks="counted")
def test_every_word_is_counted(answers):
    """Each word of the vocabulary is counted in each sentence."""
    (answer,) = answers("counted")
    wrong = different(answer.value, answer.key["expected"])
    require(
        wrong, at_most=0, what="wrong numbers", hint="Count how often, not whether; and count whole words."
    )


@pytest.mark.exercise("pleased", points=1, asks=("public", "sentences"))
def test_probabilities_lie_between_0_and_1(answers):
    """Every answer is a probability."""
    (public,) = answers("public")
    matrix = confusion(public.key["labels"].astype(int), (public.value >= 0.5).astype(int), 2)
    show(
        "confusion",
        "Who was taken for whom",
        matrix=matrix,
        names=["not pleased", "pleased"],
        things="sentences",
    )
    found = np.concatenate([one.value for one in answers("sentences")])
    outside = int(((found < 0) | (found > 1)).sum())
    hint = "A linear layer returns logits: torch.sigmoid turns them into probabilities."
    require(outside, at_most=0, what="answers below 0 or above 1", hint=hint)


@pytest.mark.exercise("pleased", points=1, asks="sentences")
def test_answers_agree(answers):
    """A sentence gets the same answer again, alone or in company."""
    hint = "No dropout while answering, and nothing that depends on the other sentences: is it model.eval()?"
    require(gather(answers("sentences")).disagreement, at_most=1e-3, what="largest difference", hint=hint)


@pytest.mark.exercise("pleased", points=6, asks="sentences", after="answers_agree")
def test_sentences_are_understood(answers, levels):
    """Your program tells whether the guests were pleased, for sentences it has not seen."""
    count_right(
        answers("sentences"), levels["pleased"], "Single words do not know their order: join neighbours."
    )


@pytest.mark.exercise("pleased", points=4, asks="turned", after="answers_agree")
def test_not_turns_it_round(answers, levels):
    """It is not taken in by "not"."""
    count_right(answers("turned"), levels["turned"], 'Is "not_good" a word of its own in your vocabulary?')


def count_right(answers, levels, hint):
    """Demand that as many sentences as a level says are judged rightly."""
    found, labels = gather(answers).plain, answers[0].key["labels"]
    right = int(((found >= 0.5) == labels)[np.isfinite(found)].sum())
    require_count(right, of=len(labels), levels=levels, what="accuracy", hint=hint)
