"""A bank is read whole: what is wrong is told all at once, with the id of the question or the line of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment.quizzes.bank import FILE, bank_of, parse_bank, read_bank
from grader.errors import SpecError
from tests.support.quizzes import SALT, bank, bank_text


def test_a_bank_is_read() -> None:
    read = bank(questions=3, options=2, draw=2)

    assert (read.count, len(read.questions), read.salt) == (2, 3, SALT)
    assert [option.right for option in read.questions[1].options] == [True, False]


def test_without_draw_everybody_gets_all_questions() -> None:
    assert bank(questions=5).count == 5


BROKEN = """\
draw = 9
[[questions]]
id = "first"
topic = "t"
text = "Which?"
options = [
  { text = "a", explanation = "e", right = true },
  { text = "b", explanation = "e", right = true },
]
[[questions]]
id = "second"
topic = "t"
text = " "
options = [{ text = "a\\nb", explanation = "e", right = true }, { text = "c" }, { text = "c", explanation = "e", rigth = true }]
[[questions]]
id = "Third One"
topic = "t"
text = "Which?"
options = [{ text = "a", explanation = "e", right = true }]
[[questions]]
id = "second"
topic = "t"
text = "Which?"
options = [{ text = "a", explanation = "e", right = true }, { text = "b", explanation = "e" }]
"""


def test_all_mistakes_are_told_at_once_with_the_ids_of_questions() -> None:
    with pytest.raises(SpecError) as raised:
        parse_bank(BROKEN, "bank.toml")

    text = str(raised.value.message)
    assert text.startswith("bank.toml: 9 mistakes:")
    for words in (
        "question 'first'.options: expected one option with right = true, found 2",
        "question 'second'.text: expected words",
        "question 'second', option 1.text: expected one line",
        "question 'second', option 2.explanation",
        "question 'second', option 3: unknown key 'rigth'",
        "question 'Third One'.id",
        "question 'Third One'.options: expected 2 to 8 options, found 1",
        "2 questions have the id 'second'",
        "draw is 9, but there are 4 questions",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('id = "question-1"', 'id = "question-0"', "2 questions have the id 'question-0'"),
        (f'salt = "{SALT}"', "draw = 7", "draw is 7, but there are 6 questions"),
        (
            "option 1 of 2",
            "option 0 of 2",
            "question 'question-2'.options: expected options that differ, found two that read 'option 0 of 2'",
        ),
        ("right = true", 'right = "yes"', "Input should be a valid boolean, found 'yes'"),
        ("right = true", "", "expected one option with right = true, found 0"),
        (SALT, "guessed", "salt"),
        ("[[questions.options]]", "[[questions.other]]", "question 'question-0'.options: Field required"),
    ],
)
def test_what_does_not_fit_together_is_told(old: str, new: str, words: str) -> None:
    with pytest.raises(SpecError) as raised:
        parse_bank(bank_text().replace(old, new), "bank.toml")

    assert words in str(raised.value.message)


def test_a_mistake_of_toml_is_told_by_its_line() -> None:
    with pytest.raises(SpecError, match=r"bank.toml is not valid TOML: .*line 2"):
        parse_bank('draw = 1\nsalt = "\n', "bank.toml")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="none.toml does not exist"):
        read_bank(tmp_path / "none.toml")


def test_an_assignment_without_a_bank_is_no_quiz_and_one_without_a_salt_is_refused(tmp_path: Path) -> None:
    (tmp_path / "staff").mkdir()
    assert bank_of(tmp_path) is None

    (tmp_path / FILE).write_text(bank_text())
    assert bank_of(tmp_path) == bank()

    (tmp_path / FILE).write_text(bank_text().partition("\n")[2])
    with pytest.raises(SpecError, match="expected a line salt"):
        bank_of(tmp_path)


def test_how_many_options_and_questions_there_may_be() -> None:
    for options in (1, 9):
        with pytest.raises(
            SpecError, match=f"question 'question-0'.*expected 2 to 8 options, found {options}"
        ):
            bank(options=options)
    with pytest.raises(SpecError, match="at least one"):
        parse_bank("questions = []", "bank.toml")
