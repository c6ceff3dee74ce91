"""A mistake in an assignment is told by file and key, with what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from grader.assignment.spec import (
    CALIBRATED,
    Assignment,
    Value,
    bind_sizes,
    load_assignment,
    load_hidden,
    load_public,
    version,
)
from grader.errors import SpecError
from tests.support.notebooks import REPOSITORY

GOOD = """\
id = "toy"
title = "Toy"
points = 15
pass_points = 8

[limits]
wall_s = 60
cpus = 1

[[exercises]]
id = "double"
title = "Twice"
points = 10

[[manual]]
id = "reflection"
title = "What you learned"
points = 5

[[entry_points]]
name = "double"
budget_s = 2.5
inputs = [{ name = "images", dtype = "uint8", shape = ["n", 224, 224, 3] }, { name = "k", dtype = "int" }]
output = { dtype = "float", shape = ["n", "k"] }

[[files]]
name = "notes.txt"
max_kb = 10

[data.toy_pets]
limits = { wall_s = 30 }
levels = { double = { zero_at = 0.5, full_at = 0.8 } }

[data.oxford_pets]
label_space = "breeds37"
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(text: str) -> Path:
        folder = tmp_path / "toy"
        folder.mkdir(exist_ok=True)
        (folder / "assignment.toml").write_text(text)
        return folder

    return to


def test_an_assignment_is_read(write: Write) -> None:
    found = load_assignment(write(GOOD))

    assert (found.id, found.points, found.max_points) == ("toy", 15, 10)
    assert found.limits.wall_s == 60
    assert found.limits.cell_s == 240
    assert found.on("oxford_pets").label_space == "breeds37"


def test_limits_of_a_data_card_replace_those_of_the_assignment_one_by_one(write: Write) -> None:
    found = load_assignment(write(GOOD))

    assert (found.limits_on("toy_pets").wall_s, found.limits_on("toy_pets").cpus) == (30, 1)
    assert (found.limits_on("oxford_pets").wall_s, found.limits_on("oxford_pets").cpus) == (60, 1)


def test_an_assignment_cannot_be_changed_once_read(write: Write) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_assignment(write(GOOD)).points = 1  # type: ignore[misc] # what a careless caller would write


# what is put in place of what, and the words that the error must hold beside the file's name
MISTAKES: list[tuple[str, str, list[str]]] = [
    ("wall_s = 60", "walls_s = 60", ["limits", "'walls_s'", "wall_s", "cell_s"]),
    ("wall_s = 60", 'wall_s = "long"', ["limits.wall_s", "'long'", "number"]),
    ("wall_s = 60", "wall_s = 0", ["limits.wall_s", "greater than 0", "found 0"]),
    ("wall_s = 60", "wall_s = inf", ["limits.wall_s", "finite", "inf"]),
    ("wall_s = 60", "wall_s = nan", ["limits.wall_s", "nan"]),
    ("cpus = 1", "cpus = 1.5", ["limits.cpus", "integer", "1.5"]),
    ('id = "toy"', 'id = "toy:pets"', ["id", "'toy:pets'", "plain folder name", "':'"]),
    ('id = "toy"', 'id = "../toy"', ["id", "plain folder name", "'.'"]),
    ('id = "toy"', 'id = "toy"\nnotebooks = []', ["notebooks", "at least 1"]),
    ('id = "toy"', 'id = "toy"\nnotebooks = ["a/b"]', ["notebooks.0", "'a/b'"]),
    ('id = "toy"', 'id = "toy"\nnotebooks = ["a", "A"]', ["notebooks", "must differ"]),
    ('id = "toy"', 'id = "toy"\nnotebooks = ["a", "b"]', ["entry point", "expected notebook = one of a, b"]),
    ('id = "toy"', 'name = "toy"', ["'name'", "exercises", "title"]),
    ('title = "Toy"\n', "", ["title", "required"]),
    ("points = 15", "points = 14", ["14", "15"]),
    ("points = 15", "points = -1", ["points", "greater than 0", "-1"]),
    ("points = 15", "points = inf", ["points", "finite"]),
    (
        "pass_points = 8",
        'pass_points = 8\ngraded = "somehow"',
        ["graded", "'by checks'", "'in the notebook'"],
    ),
    ("pass_points = 8", 'pass_points = 8\ngraded = "in the notebook"', ["graded", "entry_points", "not run"]),
    ("points = 10", "points = 0", ["'double'", "points must be more than 0"]),
    ("pass_points = 8", "pass_points = 16", ["pass_points", "16", "15"]),
    ("pass_points = 8", "pass_points = nan", ["pass_points", "nan"]),
    ('id = "reflection"', 'id = "double"', ["exercise ids must differ", "double"]),
    ("budget_s = 2.5", "budget_s = -1", ["entry_points.0.budget_s", "-1"]),
    (
        'dtype = "uint8"',
        'dtype = "uint9"',
        ["entry_points.0.inputs.0.dtype", "'uint9'", "'uint8'", "'float64'"],
    ),
    ('{ dtype = "float"', '{ dtype = "str"', ["entry_points.0", "output.dtype", "numbers"]),
    ('shape = ["n", "k"]', "shape = [1.5]", ["entry_points.0.output.shape.0"]),
    ('["n", "k"]', '["n", "d"]', ["entry_points.0", "'d' is bound by no input", "output.free"]),
    ('["n", "k"]', '["n", "k"], free = { k = [1, 9] }', ["entry_points.0", "'k'", "by an input and by free"]),
    ('["n", "k"]', '["n"], free = { d = [1, 9] }', ["entry_points.0.output", "free: 'd'", "['n']"]),
    ('["n", "k"]', '["n", "d"], free = { d = [9, 1] }', ["output", "free.d", "(9)", "(1)"]),
    ('["n", "k"]', '["n", "d"], free = { d = [-1, 9] }', ["output.free.d.0", "-1"]),
    ('["n", "k"]', '["n", "d"], free = { d = [1] }', ["output.free.d"]),
    ("224, 3]", '"d"], free = { d = [1, 9] }', ["entry_points.0", "inputs", "only an output has free sizes"]),
    ('name = "notes.txt"', 'name = "../notes.txt"', ["files.0.name", "'../notes.txt'"]),
    ('name = "notes.txt"', 'name = ".ssh"', ["files.0.name", "'.ssh'"]),
    ("zero_at = 0.5", "zero_at = 0.8", ["data.toy_pets.levels.double", "zero_at (0.8)", "full_at (0.8)"]),
    ("zero_at = 0.5", "zero_at = nan", ["data.toy_pets.levels.double.zero_at", "nan"]),
    ("full_at = 0.8", "full_at = inf", ["data.toy_pets.levels.double.full_at", "inf"]),
    ("zero_at = 0.5", "zero = 0.5", ["data.toy_pets.levels.double", "'zero'", "zero_at"]),
    ("points = 15", "points 15", ["not valid TOML", "line 3"]),
    ('id = "toy"', 'id = "other"', ["'other'", "'toy'", "folder"]),
]


@pytest.mark.parametrize(("old", "new", "words"), MISTAKES, ids=[new for _, new, _ in MISTAKES])
def test_a_mistake_is_told_by_file_and_key_with_what_was_found_and_what_is_allowed(
    write: Write, old: str, new: str, words: list[str]
) -> None:
    assert GOOD.count(old) >= 1
    folder = write(GOOD.replace(old, new, 1))

    with pytest.raises(SpecError) as caught:
        load_assignment(folder)

    assert str(folder / "assignment.toml") in str(caught.value)
    assert [word for word in words if word not in str(caught.value)] == []
    assert "Value error" not in str(caught.value)


def test_all_mistakes_of_a_file_are_told_at_once_each_in_a_line(write: Write) -> None:
    text = GOOD.replace("wall_s = 60", "walls_s = 60").replace("budget_s = 2.5", "budget_s = -1")
    folder = write(text.replace('title = "Toy"\n', ""))

    with pytest.raises(SpecError) as caught:
        load_assignment(folder)

    head, *lines = str(caught.value).splitlines()
    assert head == f"{folder / 'assignment.toml'}: 3 mistakes:"
    assert [line.split(":")[0] for line in lines] == [
        "  - title",
        "  - limits",
        "  - entry_points.0.budget_s",
    ]


def test_points_and_ids_that_do_not_fit_are_told_at_once(write: Write) -> None:
    folder = write(
        GOOD.replace("points = 15", "points = 14", 1).replace("pass_points = 8", "pass_points = 16")
    )

    with pytest.raises(
        SpecError, match=r"2 mistakes:\n.*points is 14, .* add up to 15\n.*pass_points \(16\) is more"
    ):
        load_assignment(folder)


@pytest.mark.parametrize("content", ["", "[]", "id = 5"])
def test_a_file_without_an_assignment_is_refused(write: Write, content: str) -> None:
    with pytest.raises(SpecError, match=r"assignment\.toml"):
        load_assignment(write(content))


def test_a_file_that_is_not_text_is_refused(write: Write) -> None:
    folder = write("")
    (folder / "assignment.toml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SpecError, match="not valid TOML"):
        load_assignment(folder)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"assignment\.toml does not exist"):
        load_assignment(tmp_path)


def test_a_students_folder_may_be_called_anything(write: Write) -> None:
    folder = write(GOOD)

    assert load_public(folder.rename(folder.with_name("my homework"))).id == "toy"


@pytest.mark.parametrize(
    ("limits", "words"),
    [("{ wall_s = -1 }", "wall_s"), ("{ walls = 1 }", "walls"), ("{ cpus = 1.5 }", "cpus")],
)
def test_wrong_limits_of_a_data_card_are_told(write: Write, limits: str, words: str) -> None:
    found = load_assignment(write(GOOD.replace("{ wall_s = 30 }", limits)))

    with pytest.raises(SpecError, match=rf"toy: \[data\.toy_pets\.limits\].*{words}"):
        found.limits_on("toy_pets")


def test_an_unknown_data_card_is_told_beside_those_there_are(write: Write) -> None:
    with pytest.raises(SpecError, match=r"no \[data\.cifar\].*toy_pets, oxford_pets"):
        load_assignment(write(GOOD)).on("cifar")


def test_an_unknown_entry_point_is_told_beside_those_there_are(write: Write) -> None:
    with pytest.raises(SpecError, match=r"no entry point 'triple'.*double"):
        load_assignment(write(GOOD)).entry_point("triple")


def test_an_entry_point_says_its_contract_in_one_line(write: Write) -> None:
    text = load_assignment(write(GOOD)).entry_point("double").signature()

    assert text == "double(images uint8[n, 224, 224, 3], k int) -> float[n, k]"


def test_the_answer_may_choose_a_size_within_bounds(write: Write) -> None:
    text = GOOD.replace('["n", "k"]', '["n", "d"], free = { d = [64, 4096] }')

    entry_point = load_assignment(write(text)).entry_point("double")

    assert entry_point.output.free == {"d": (64, 4096)}
    assert entry_point.signature().endswith("-> float[n, d]")


def test_hidden_facts_have_defaults(tmp_path: Path) -> None:
    hidden = load_hidden(tmp_path)

    assert hidden.holdout.split == "holdout"
    assert hidden.levels == {}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("secret = 1", "'secret'"),
        ('[holdout]\nsplit = "train"', "'holdout' or 'second_holdout'"),
        ("[levels.toy_pets]\nbreeds = { zero_at = 1, full_at = 0 }", "levels.toy_pets.breeds"),
        (f"{CALIBRATED.decode()}; x\n[levels.toy_pets]\n", "[levels] stands below the line"),
        ("[levels.toy_pets]\nbreeds = { zero_at = nan, full_at = 1 }", "levels.toy_pets.breeds.zero_at"),
    ],
)
def test_a_mistake_in_the_hidden_file_is_told_by_its_name(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "staff").mkdir()
    (tmp_path / "staff" / "hidden.toml").write_text(text)

    with pytest.raises(SpecError, match=r"hidden\.toml") as caught:
        load_hidden(tmp_path)

    assert word in str(caught.value)


@pytest.mark.parametrize("folder", sorted((REPOSITORY / "solutions").glob("*/assignment.toml")), ids=str)
def test_the_assignments_of_this_course_are_right(folder: Path) -> None:
    found = load_assignment(folder.parent)

    load_hidden(folder.parent)
    for card in found.data:
        assert found.limits_on(card).wall_s > 0


def test_a_version_changes_with_everything_that_decides_a_grade(write: Write) -> None:
    folder = write(GOOD)
    (folder / "staff").mkdir()
    seen = {version(folder)}
    for name in ("check_public.py", "staff/check_hidden.py", "staff/hidden.toml", "assignment.toml"):
        (folder / name).write_text("changed")
        seen.add(version(folder))
    (folder / "check_public.py").rename(folder / "check.py")
    seen.add(version(folder))

    assert len(seen) == 6


def test_a_version_does_not_change_with_caches_mutants_recipes_and_pictures(write: Write) -> None:
    folder = write(GOOD)
    before = version(folder)
    (folder / "pictures.py").write_text("x")
    for name in ("__pycache__", "staff/mutants", "staff/recipes", ".ipynb_checkpoints"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text("x")

    assert version(folder) == before


def test_names_in_shapes_are_bound_by_arguments() -> None:
    inputs = (
        Value(name="scores", dtype="float64", shape=("n", "classes")),
        Value(name="k", dtype="int"),
        Value(name="word", dtype="str"),
    )

    assert bind_sizes(inputs, [np.zeros((4, 35)), 3, "cat"]) == {"n": 4, "classes": 35, "k": 3}


@pytest.mark.parametrize("arguments", [[], [np.zeros(3), 1], [np.zeros((3, 4))] * 2])
def test_arguments_that_do_not_fit_the_contract_are_not_bound(arguments: list[object]) -> None:
    with pytest.raises(ValueError, match="zip"):
        bind_sizes((Value(name="scores", dtype="float64", shape=("n", "classes")),), arguments)


def test_an_assignment_survives_a_journey_as_json(write: Write) -> None:
    found = load_assignment(write(GOOD))

    assert Assignment.model_validate_json(found.model_dump_json()) == found
