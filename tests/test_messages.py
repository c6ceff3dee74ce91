"""What people read is a template and its parameters until it is shown; every template can be found and put together."""

from __future__ import annotations

import ast
import json
import pickle
import re
import string
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, nodes
from jinja2.ext import babel_extract

from grader.errors import SubmissionError
from grader.messages import NOTHING, Message, joined, listed, quoted, sentences, separate
from grader.records import Check, FailedCell, Grade, Limit, Status
from tests.support.notebooks import toy_grade

extract = pytest.importorskip("babel.messages.extract")

PACKAGE = Path(__file__).resolve().parent.parent / "grader"
PAGES = sorted(PACKAGE.rglob("templates/*.html"))
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "course")
ACCURACY = Message(
    "{what} {value:.3f} ({right} of {total})", what=Message("top-1 accuracy"), value=0.75, right=3, total=4
)


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call of a name in the package, with its place."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def fields(template: str) -> dict[str, str]:
    return {name: spec or "" for _, name, spec, _ in string.Formatter().parse(template) if name is not None}


# Where messages are made


def test_every_template_is_a_literal_where_the_message_is_made() -> None:
    found = [
        place for place, call in calls("Message") if len(call.args) != 1 or literal(call.args[0]) is None
    ]

    assert found == []


def test_babel_finds_every_template() -> None:
    found = set()
    for path in MODULES:
        with path.open("rb") as file:
            found |= {one[1] for one in extract.extract("python", file, keywords={"Message": None})}

    assert found == {literal(call.args[0]) for _, call in calls("Message")}
    assert len(found) > 150


def test_babel_finds_every_template_of_the_page() -> None:
    for path in PAGES:
        with path.open("rb") as file:
            found = {one[1] for one in extract.extract(babel_extract, file, keywords={"Message": None})}
        made = [
            node
            for node in Environment(autoescape=True).parse(path.read_text()).find_all(nodes.Call)
            if isinstance(node.node, nodes.Name) and node.node.name == "Message"
        ]
        templates = [node.args[0].as_const() for node in made]
        assert found == set(templates)
        for node, template in zip(made, templates, strict=True):
            assert {keyword.key for keyword in node.kwargs} == set(fields(template)), template


def test_all_words_of_the_page_are_messages() -> None:
    """What is left of the text between tags and commands are signs, the field's own names and the product's."""
    for path in PAGES:
        text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", path.read_text(), flags=re.DOTALL)
        words = re.findall(r"[^\W\d_]{2,}", re.sub(r"<[^>]*>", " ", text))
        assert set(words) <= {"Pawgrade"}, path.name


def test_every_template_goes_together_with_the_parameters_that_it_is_given() -> None:
    """A template without parameters is shown as it stands: braces in it would be seen by people."""
    for place, call in calls("Message"):
        template = literal(call.args[0]) or ""
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        assert set(given) == set(fields(template)), place
        values = {name: 3.25 if spec else "word" for name, spec in fields(template).items()}
        words = Message(template, **values)
        assert str(words), place
        assert Message.from_record(words.to_record()) == words, place


def test_errors_that_students_read_are_made_of_messages() -> None:
    bare = [
        place
        for name in ("SubmissionError", "WorldEnded")
        for place, call in calls(name)
        if any(isinstance(one, ast.Constant | ast.JoinedStr | ast.BinOp) for one in call.args[:2])
    ]

    assert bare == []


# What is shown


def test_a_message_is_put_together_when_it_is_shown() -> None:
    assert str(ACCURACY) == "top-1 accuracy 0.750 (3 of 4)"
    assert f"{ACCURACY}" == str(ACCURACY)


def test_another_language_has_its_own_words_and_its_own_order() -> None:
    german = {
        "{what} {value:.3f} ({right} of {total})": "{right} von {total}: {what} {value:.1f}",
        "top-1 accuracy": "Trefferquote",
    }

    assert ACCURACY.shown(lambda template: german.get(template, template)) == "3 von 4: Trefferquote 0.8"


@given(st.text())
def test_words_of_a_student_mean_nothing(words: str) -> None:
    told = Message("{function} raised {what}.", function="classify", what=words)

    assert str(told) == f"classify raised {words}."
    assert str(quoted(words)) == words
    assert str(Message("{what}!", what=quoted(words))) == f"{words}!"


def test_a_template_without_parameters_is_shown_as_it_stands() -> None:
    assert str(Message("Return {'a': 1} or {}")) == "Return {'a': 1} or {}"
    assert str(SubmissionError("found {of}", "{}")) == "found {of} {}"


def test_nothing_is_false_and_empty() -> None:
    assert not NOTHING
    assert str(NOTHING) == ""
    assert quoted("") == joined([]) == listed([]) == sentences([NOTHING]) == NOTHING
    assert Message("x")


@pytest.mark.parametrize("count", range(1, 6))
def test_many_are_joined_as_people_write_them(count: int) -> None:
    words = "abcde"[:count]

    assert str(joined([Message.of(one) for one in words])) == "; ".join(words)
    assert str(listed(words)) == ", ".join(words)
    assert str(sentences([NOTHING, *map(quoted, words)])) == " ".join(words)


def test_a_parameter_is_what_json_has() -> None:
    told = Message("{a} {b:.1f} {c}", a=np.int64(3), b=np.float32(0.5), c=Limit.WALL)  # type: ignore[arg-type]

    assert [type(value) for value in told.parameters.values()] == [int, float, str]
    with pytest.raises(TypeError, match="a text, a number or a message"):
        Message("{a}", a=None)  # type: ignore[arg-type]


def test_a_template_reads_parameters_and_nothing_inside_them() -> None:
    for template in ("{a.__class__}", "{a[0]}", "{0}", "{}"):
        with pytest.raises((KeyError, ValueError)):
            str(Message(template, a="x"))


# What is stored


def test_a_message_crosses_processes_and_files() -> None:
    assert pickle.loads(pickle.dumps(ACCURACY)) == ACCURACY
    assert Message.from_record(json.loads(json.dumps(ACCURACY.to_record()))) == ACCURACY
    assert hash(ACCURACY) == hash(pickle.loads(pickle.dumps(ACCURACY)))


BROKEN = [
    None,
    "text",
    {},
    {"template": "x"},
    {"template": 1, "parameters": {}},
    {"template": "x", "parameters": []},
    {"template": "x", "parameters": {}, "more": 1},
    {"template": "{a}", "parameters": {"a": None}},
    {"template": "{a}", "parameters": {"a": [1]}},
    {"template": "{a}", "parameters": {"b": 1}},
    {"template": "{a.b}", "parameters": {"a": 1}},
    {"template": "{a:.2f}", "parameters": {"a": "text"}},
    {"template": "{a:999999999}", "parameters": {"a": 1}},
    {"template": "{a}" * 3, "parameters": {"a": "x"}},
]


@pytest.mark.parametrize("record", BROKEN, ids=range(len(BROKEN)))
def test_a_record_that_is_no_message_is_refused(record: object) -> None:
    with pytest.raises(ValueError, match="a message|format code"):
        Message.from_record(record)


def test_a_process_that_met_hostile_bytes_hands_over_flat_messages_only() -> None:
    with pytest.raises(ValueError, match="parameter is a text"):
        Message.from_record(ACCURACY.to_record(), nested=False)


def told() -> Grade:
    check = Check("top_1", "breeds", Status.FAILED, 1, 6, ACCURACY, hint=Message("Train {longer}."))
    cell = FailedCell(
        3, 2, None, "limit: memory", Message("used {size} MB", size=9), Limit.MEMORY, "E", "{x}"
    )
    grade = toy_grade()
    return Grade(**{**grade.__dict__, "checks": (check,), "failed_cells": (cell,), "notices": (ACCURACY,)})


def test_a_stored_grade_has_english_words_with_their_templates_beside_them() -> None:
    record = json.loads(json.dumps(told().to_record()))

    (check,) = record["checks"]
    assert check["measured"] == "top-1 accuracy 0.750 (3 of 4)"
    assert check["messages"]["measured"] == ACCURACY.to_record()
    assert check["messages"]["measured"]["parameters"]["value"] == 0.75
    assert record["notices"] == [str(ACCURACY)]
    assert record["messages"]["notices"] == [ACCURACY.to_record()]
    assert record["failed_cells"][0]["messages"]["message"]["parameters"] == {"size": 9}
    assert Grade.from_record(record) == told()


def test_what_other_programs_read_are_words() -> None:
    public = told().to_json()

    assert public["checks"][0]["measured"] == "top-1 accuracy 0.750 (3 of 4)"
    assert public["failed_cells"] == [
        {"index": 3, "number": 2, "grade_id": None, "error": "limit: memory", "message": "used 9 MB"}
    ]
    assert "template" not in json.dumps(public)


def test_a_grade_that_was_stored_with_words_alone_is_read_as_words() -> None:
    record = told().to_record()
    del record["messages"]
    for row in (*record["checks"], *record["failed_cells"]):
        del row["messages"]
    for name in ("limit", "raised", "said"):
        del record["failed_cells"][0][name]
    record["notices"] = ["Braces {of} others"]

    grade = Grade.from_record(record)

    assert str(grade.checks[0].measured) == "top-1 accuracy 0.750 (3 of 4)"
    assert grade.checks[0].required == NOTHING
    assert [str(one) for one in grade.notices] == ["Braces {of} others"]
    assert grade.failed_cells[0].limit is Limit.MEMORY


@given(st.lists(st.text(min_size=1).map(quoted), max_size=9))
def test_what_was_joined_is_taken_apart_again(messages: list[Message]) -> None:
    assert list(separate(joined(messages))) == messages
