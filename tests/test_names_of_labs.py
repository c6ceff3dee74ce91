"""The framework knows no lab: its code names no assignment, exercise, breed, group of classes or data card."""

from __future__ import annotations

import re

import pytest

from grader.assignment import spec
from grader.assignment.course import packaged_course
from grader.datasets import cards
from tests.support.notebooks import REPOSITORY

PACKAGE = REPOSITORY / "grader"
ALLOWED = ("datasets/toypets/", "lab/__init__.py")  # the drawn set itself; what this unit's notebooks call
CHELSEA = (
    "cat_photo",
    "Chelsea, a photo of a cat",
    "torch.cat(",
    "cat-file",  # of git
)  # scikit-image's cat, whom notebooks may ask for
GIT = ("cat-file",)
# Words of English that are exercises, too.
COMMON = {
    "normalise",
    "features",
    "split",
    "confusion",
    "attack",
    "half",
    "ideal",
    "reflection",
    "variation",
    "quiz",
    "mirror",
    "dropout",
    "schedule",
    "compare",
    "results",
    "report",
    "activations",
    "fields",
    "strongest",
    "feature_maps",  # what every backbone has
}


def words() -> set[str]:
    course = packaged_course()
    found = {*course.assignments(), *cards.known(), "breed", "breeds", "species"}
    for assignment in course.assignments():
        one = spec.load_assignment(course.source(assignment))
        found |= {exercise.id for exercise in (*one.exercises, *one.manual)}
    for card in map(cards.load_card, cards.known()):
        found |= {*card.labels.names, *card.labels.groups, *card.label_spaces}
    return found - COMMON


def files() -> list[str]:
    paths = [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py"))]
    return [path for path in paths if not path.startswith((*ALLOWED, "course/"))]


@pytest.mark.parametrize("name", files())
def test_a_file_of_the_framework_names_nothing_of_a_lab(name: str) -> None:
    text = (PACKAGE / name).read_text(encoding="utf-8")
    for allowed in (*CHELSEA, *GIT):
        text = text.replace(allowed, "")
    pattern = rf"\b({'|'.join(map(re.escape, sorted(words())))})\b"

    assert sorted({found[0] for found in re.finditer(pattern, text)}) == []
