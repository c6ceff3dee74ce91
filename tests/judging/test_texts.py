"""Texts are asked about as photos are: inert, of bounded size, and secret where they decide grades."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.assignment.spec import Assignment
from grader.checks import soundness
from grader.checks.questions import Material, Question, batched, gather, is_examples
from grader.checks.soundness import require_asked
from grader.errors import SpecError, SubmissionError
from grader.judging.plan import rehearse
from grader.judging.probe import Answers, Asking, sequence
from tests.judging.test_probe import Desk

TEXTS = np.array(["a word that nobody has seen", "two", "three"])


def assignment() -> Assignment:
    return Assignment.model_validate(
        {
            "id": "toy",
            "title": "Toy",
            "points": 1,
            "pass_points": 0,
            "exercises": [{"id": "one", "title": "One", "points": 1}],
            "entry_points": [
                {
                    "name": "lengths",
                    "budget_s": 5,
                    "inputs": [{"name": "texts", "dtype": "str", "shape": ["n"]}],
                    "output": {"dtype": "int", "shape": ["n"]},
                }
            ],
        }
    )


def asked(folder: Path, lengths: Any, question: Question) -> Answers:
    desk: Any = Desk({"lengths": lengths})
    found = Asking({"texts": [question]}, assignment(), folder, [("texts", 0)])
    found.ask(desk)
    return found.answers()


def loud(texts: Any) -> None:
    raise ValueError(f"I saw {texts[0]}")


def refusal(answers: Answers) -> str:
    found = answers["texts"]
    assert isinstance(found, SubmissionError)
    return str(found)


def test_an_array_of_texts_arrives_as_it_is(tmp_path: Path) -> None:
    answers = asked(tmp_path, lambda texts: [len(one) for one in texts], Question("lengths", (TEXTS,)))

    assert not isinstance(answers["texts"], SubmissionError)
    assert answers["texts"][0].value.tolist() == [27, 3, 5]


def test_of_a_hidden_text_nothing_is_told(tmp_path: Path) -> None:
    told = refusal(asked(tmp_path, loud, Question("lengths", (TEXTS,))))

    assert "raised ValueError" in told
    assert "a word" not in told


def test_of_a_public_text_all_is_told(tmp_path: Path) -> None:
    assert "I saw a word" in refusal(asked(tmp_path, loud, Question("lengths", (TEXTS,), shown=True)))


def test_texts_are_asked_about_when_all_else_is(tmp_path: Path) -> None:
    plan = {
        "texts": [Question("lengths", (TEXTS,))],
        "numbers": [Question("double", (np.ones(3),))],
        "public": [Question("lengths", (TEXTS,), shown=True)],
    }

    order = [name for name, _ in sequence(plan, np.random.default_rng(0))]

    assert order == ["public", "numbers", "texts"]


def test_what_counts_as_an_example() -> None:
    assert is_examples(TEXTS)
    assert is_examples(np.zeros((1, 2, 2), np.uint8))
    assert not is_examples("one text: a parameter")
    assert not is_examples(np.zeros((2, 2), np.uint8))


def without_photos() -> Material:
    """What checks of an assignment without a data card draw from."""
    none = np.empty((0, 224, 224, 3), np.uint8)
    return Material(none, np.empty(0, np.int64), (), (), np.random.default_rng(0))


def test_a_public_question_is_rehearsed_with_few_texts(tmp_path: Path) -> None:
    file = tmp_path / "check_public.py"
    file.write_text(
        "import numpy as np\nfrom grader.checks import Question\n\n"
        "def questions(material):\n"
        "    return {'texts': [Question('lengths', (np.array(['x'] * 40),), partial=True)]}\n"
    )

    found = rehearse([file], without_photos(), b"seed", {"texts": [Question("lengths", (TEXTS,))]})

    assert found["lengths"].arguments[0].shape == (8,)  # type: ignore[union-attr]


def test_a_function_of_numbers_is_rehearsed_where_one_more_question_costs_little(tmp_path: Path) -> None:
    file = tmp_path / "check_public.py"
    file.write_text(
        "from grader.checks import Question\n\n"
        "def questions(material):\n"
        "    return {'a': [Question('quick', (1,))], 'b': [Question('slow', (1,))], 'c': [Question('quiz', ())]}\n"
    )
    plan = {"a": [Question("quick", (2,))], "b": [Question("slow", (2,))], "c": [Question("quiz", ())]}

    found = rehearse([file], without_photos(), b"seed", plan, {"quick", "quiz"})

    assert {name: question.arguments for name, question in found.items()} == {"quick": (1,)}


def test_the_first_public_question_about_a_function_is_rehearsed_since_its_call_has_no_number(
    tmp_path: Path,
) -> None:
    file = tmp_path / "check_public.py"
    file.write_text(
        "from grader.checks import Question\n\n"
        "def questions(material):\n"
        "    return {'a': [Question('f', (1,)), Question('g', (2,))], 'b': [Question('g', (3,))]}\n"
    )

    found = rehearse([file], without_photos(), b"seed", {"a": [Question("g", (4,))]}, {"f", "g"})

    assert found["g"].arguments == (2,)


def test_texts_are_batched_and_gathered_as_photos_are() -> None:
    texts = np.array([f"{'x' * (place % 7)}{place}" for place in range(60)])

    questions = batched("lengths", texts, np.random.default_rng(0), mirrored=False, again=9)
    answers: Any = [
        SimpleNamespace(value=np.array([len(one) for one in question.arguments[0]]), key=question.key)  # type: ignore[union-attr]
        for question in questions
    ]

    assert gather(answers).plain.tolist() == [len(one) for one in texts]
    assert gather(answers).disagreement == 0


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (np.array(["a", None], object), "Python objects"),
        (np.array([1.0, 2.0]), "assignment.toml says str"),
        (np.array([b"a"]), "assignment.toml says str"),
    ],
)
def test_what_is_no_plain_text_is_staffs_mistake_before_anything_runs(texts: Any, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        require_asked([], {"texts": [Question("lengths", (texts,))]}, assignment())


def test_texts_have_a_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundness, "MAX_TEXT_BYTES", 1000)
    long = np.array(["x" * 200, "y"])

    with pytest.raises(SpecError, match="every one takes as much as the longest"):
        require_asked([], {"texts": [Question("lengths", (long,))]}, assignment())
