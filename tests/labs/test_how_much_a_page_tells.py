"""How much of the hidden photos a student's page can tell, in bits: a bound, and hostile notebooks that try.

The channel is everything a student is given: page, JSON, the notebook in `autograded/`. What is asked before the first hidden
photo comes carries nothing of it. What is said of the rest is counted: statuses and steps of points, hints, exceptions, limits,
times. The numbers stand in `disclosure.BITS` and `LABEL_BITS`, and in `docs/security.md`.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import inspect
import json
import math
import os
import re
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import numpy as np
import numpy.typing as npt
import pytest

from grader import disclosure
from grader.assignment import spec
from grader.assignment.course import packaged_course
from grader.checks.check_files import Mark, load_checks, read_mark
from grader.checks.questions import Answer, Material, Question
from grader.checks.session import Case, run_checks
from grader.feedback import page as feedback
from grader.grading import preparation
from grader.grading.submission import grade_submission
from grader.judging.plan import check_files
from grader.records import Check, Grade, Limit, StaffNotes, Submission
from grader.settings import load
from tests.support.notebooks import REPOSITORY, toy_grade
from tests.support.tiny import SECRET, solved, tiny_course

ATTEMPTS = 5
REAL_PHOTOS = (
    168  # hidden ones of the real card, on average over the secrets: 35 breeds, 60 to 100 % of six each
)
KINDS = 17  # of answers that break their contract: missing, None, objects, too large, wrong dtype, shape, NaN, ...
LAB = packaged_course().source("oxford_pets")


# The bound


def outcomes(module: ModuleType, name: str, mark: Mark) -> int:
    """Count what a page can say of a check whose answers came: passed, or each step with each hint."""
    source = ast.parse(textwrap.dedent(inspect.getsource(getattr(module, f"test_{name}"))))
    hints = [one.value for one in ast.walk(source) if isinstance(one, ast.keyword) and one.arg == "hint"]
    hints += [
        one.value
        for one in ast.walk(source)
        if isinstance(one, ast.Assign)
        and any(isinstance(to, ast.Name) and to.id == "hint" for to in one.targets)
    ]
    texts = [one for hint in hints for one in ast.walk(hint) if isinstance(one, ast.Constant)]
    return 1 + (disclosure.steps(mark.points) if mark.points else 1) * max(1, len(texts))


def verdicts_of(folder: Path, plan: dict[str, list[Question]]) -> dict[str, int]:
    """Count, by question set, the verdicts that can depend on hidden photos: the product over the checks that ask about it.

    A check about several sets is counted at the first of them. One without points that must pass first is one word for all that wait
    for it, not a factor.
    """
    found: dict[str, int] = {}
    guards: dict[str, int] = {}
    for path in check_files(folder, "all"):
        module = load_checks(path)
        marks = {name.removeprefix("test_"): mark_of(check) for name, check in vars(module).items()}
        first = {name for mark in marks.values() for name in mark.after}
        for name, mark in marks.items():
            hidden = [asked for asked in mark.asks if after_hidden_photos(plan[asked])]
            if mark.unreported or not hidden:
                continue
            guard = not mark.points and name in first
            guards[hidden[0]] = guards.get(hidden[0], 0) + guard
            found[hidden[0]] = found.get(hidden[0], 1) * (1 if guard else outcomes(module, name, mark))
    return {name: count + guards[name] for name, count in found.items()}


def statuses(folder: Path, plan: dict[str, list[Question]]) -> int:
    """Count the verdicts of a page that can depend on hidden photos."""
    return math.prod(verdicts_of(folder, plan).values())


def mark_of(check: object) -> Mark:
    marks = [one for one in getattr(check, "pytestmark", ()) if one.name == "exercise"]
    return read_mark(marks[0]) if marks else Mark()


def after_hidden_photos(asked: list[Question]) -> bool:
    """Say whether a set is asked when hidden photos may have been seen: it has photos, and is not public."""
    return any(
        not one.shown
        and any(isinstance(it, np.ndarray) and it.dtype == np.uint8 and it.ndim >= 3 for it in one.arguments)
        for one in asked
    )


def bound(by_set: dict[str, int], entry_points: int) -> float:
    """Return the bits of one attempt: what is said of the answers, set by set, and what happened while asking.

    Each set has its verdicts, or is refused. Of all refusals of a page one is told in full; of the others only that they are one, or
    that an exception was raised.
    """
    in_full = (len(disclosure.CLASSES) + 1) * (disclosure.LINES + 1) + KINDS
    judged = math.prod(by_set.values())
    others = [math.prod(count + 2 for other, count in by_set.items() if other != name) for name in by_set]
    within = 2  # of `COARSE_S`, in ten minutes
    hit = {Limit.WALL, Limit.MEMORY, Limit.PROCESSES, Limit.DISK, None, "died"}
    overran = (1 + len(disclosure.PARTS)) ** entry_points - 1  # and its time is known from the budget
    return math.log2((judged + in_full * sum(others)) * (within * len(hit) + overran))


def asked_about_photos(plan: dict[str, list[Question]]) -> int:
    """Count the entry points that are asked about hidden photos."""
    return len({asked[0].entry_point for asked in plan.values() if after_hidden_photos(asked)})


def lab_plan(folder: Path = LAB) -> dict[str, list[Question]]:
    images = np.zeros((70, 224, 224, 3), np.uint8)
    labels = np.arange(70) % 35
    material = Material(
        images,
        labels,
        tuple(map(str, range(35))),
        ("cat",) * 12 + ("dog",) * 23,
        np.random.default_rng(0),
        images,
        spec.load_assignment(folder).on("oxford_pets").counts,
        images[:35],
        labels[:35],
        labels,
    )
    return {
        name: asked
        for path in check_files(folder, "all")
        for name, asked in load_checks(path).questions(dataclasses.replace(material)).items()
    }


def test_five_attempts_at_the_lab_tell_fewer_bits_than_is_stated() -> None:
    plan = lab_plan()

    assert ATTEMPTS * bound(verdicts_of(LAB, plan), asked_about_photos(plan)) <= disclosure.BITS
    assert ATTEMPTS * math.log2(statuses(LAB, plan)) <= disclosure.LABEL_BITS
    assert REAL_PHOTOS * math.log2(35) / 10 > disclosure.LABEL_BITS
    assert REAL_PHOTOS * math.log2(35) / 9.5 > disclosure.BITS


def test_five_attempts_at_cats_and_dogs_tell_what_is_stated() -> None:
    folder = REPOSITORY / "solutions" / "transfer_learning"
    plan = lab_plan(folder)

    assert ATTEMPTS * bound(verdicts_of(folder, plan), asked_about_photos(plan)) <= disclosure.MANY_SETS_BITS


def test_the_security_page_states_the_numbers() -> None:
    places = [REPOSITORY / "docs" / "security.md", REPOSITORY / "NOTES-disclose.md"]
    text = " ".join(path.read_text() for path in places if path.is_file())
    text = " ".join(text.split())

    assert f"at most {disclosure.BITS} bits in five attempts" in text
    assert f"of the labels at most {disclosure.LABEL_BITS}" in text


def test_an_exception_is_named_by_no_more_classes_and_lines_than_are_counted() -> None:
    if importlib.util.find_spec("grader.judging.answer_notes") is None:
        pytest.skip("exceptions are not reduced to class and line here")
    notes = importlib.import_module("grader.judging.answer_notes")

    assert len(notes.KNOWN) <= len(disclosure.CLASSES)
    assert notes.MOST_LINES <= disclosure.LINES


# What the judge says of many answers


class Lab:
    """The checks of the 35-breed lab on answers about made-up photos of which only the labels matter."""

    def __init__(self, seed: int, photos: int = 105) -> None:
        rng = np.random.default_rng(seed)
        self.labels = rng.permutation(np.arange(photos) % 35)
        self.assignment = spec.load_assignment(LAB)

    def verdicts(self, said: npt.NDArray[np.int64]) -> tuple[Check, ...]:
        """Judge a class named for each photo; nothing else of the lab is answered."""
        scores = np.eye(35)[said] + np.arange(35) / 1e6
        key = {"index": np.arange(len(said)), "flip": np.zeros(len(said), bool), "labels": self.labels}
        photos = [Answer(scores, key), Answer(scores, {**key, "flip": ~key["flip"]})]
        public = [Answer(np.eye(35), {"labels": np.arange(35)})]
        case = Case(
            self.assignment,
            "toy_pets",
            tuple(f"breed {number}" for number in range(35)),
            ("cat",) * 12 + ("dog",) * 23,
            {"photos": photos, "pictured": public},
            only=None,
            hidden=True,
            shown=frozenset({"pictured"}),
        )
        found = [
            run_checks(LAB / "check_public.py", dataclasses.replace(case, only=name))
            for name in ("breeds", "top3", "species", "mirror")
        ]
        self.pictures = found[0].pictures
        self.staff_pictures = found[0].staff_pictures
        return tuple(check for one in found for check in one.checks)

    def given(self, said: npt.NDArray[np.int64]) -> str:
        """Return all that a student gets, of which page and JSON are made."""
        checks = self.verdicts(said)
        told = disclosure.told(
            dataclasses.replace(
                toy_grade(),
                checks=checks,
                pictures=self.pictures,
                staff=StaffNotes(pictures=self.staff_pictures),
            )
        )
        return json.dumps(told.to_record())

    def right(self, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Name so many breeds rightly, chosen by `rng`, and the others by another of the same species."""
        said = np.where(self.labels < 12, (self.labels + 1) % 12, 12 + (self.labels - 11) % 23)
        rows = rng.permutation(len(said))[:count]
        said[rows] = self.labels[rows]
        return said


def test_which_photos_are_right_is_told_by_nothing() -> None:
    lab, rng = Lab(0), np.random.default_rng(1)

    given = {lab.given(lab.right(58, rng)) for _ in range(4)}

    assert len(given) == 1


def test_answers_within_a_step_read_alike_and_pages_are_no_more_than_steps() -> None:
    lab, rng = Lab(0), np.random.default_rng(2)
    counts = range(34, 84, 2)

    given = [lab.given(lab.right(count, rng)) for count in counts]

    assert len(set(given)) <= 2 * disclosure.STEPS
    assert len(set(given)) < len(counts)


def read(answers: list[npt.NDArray[np.int64]], matrices: list[Any]) -> npt.NDArray[np.int64]:
    """Read labels as the attack does: a photo that was given class c has a label that column c holds."""
    rng = np.random.default_rng(5)
    possible = np.ones((len(answers[0]), 35), bool)
    for said, matrix in zip(answers, matrices, strict=True):
        possible &= (np.array(matrix) > 0).T[said]
    return np.array([rng.choice(np.flatnonzero(row)) if row.any() else rng.integers(35) for row in possible])


def test_labels_cannot_be_read_from_the_columns_that_answers_chose() -> None:
    """Photo r is given class f(r) over two attempts; what staff see shows that the attack has teeth."""
    lab, rng = Lab(3), np.random.default_rng(4)
    answers = [rng.permutation(np.arange(105) % 35) for _ in range(2)]
    told, staff = [], []
    for said in answers:
        lab.verdicts(said)
        told.append(lab.pictures[0].content["matrix"])
        staff.append(lab.staff_pictures[0].content["matrix"])

    assert told[0] == told[1]
    assert np.mean(read(answers, told) == lab.labels) < 0.1
    assert np.mean(read(answers, staff) == lab.labels) > 0.7


def test_staff_have_the_matrix_all_the_same() -> None:
    lab = Lab(0)

    lab.verdicts(lab.labels)

    assert [np.trace(one.content["matrix"]) for one in lab.staff_pictures] == [105]


# A notebook that sends what it likes


SENDERS = {
    "numbers": "return np.broadcast_to(np.arange(35.0) * (1 + MESSAGE / 7), (len(images), 35))",
    "what it prints and displays": (
        "print(MESSAGE); print(MESSAGE, file=sys.stderr); display(MESSAGE); HANDLE.update(MESSAGE)\n"
        "    open('notes.txt', 'w').write(str(MESSAGE)); warnings.warn(str(MESSAGE))\n"
        "    return np.zeros((len(images), 35))"
    ),
    "time": "time.sleep(MESSAGE % 10 / 10)\n    return np.zeros((len(images), 35))",
    "an exception's text": "raise ValueError(f'{MESSAGE} photos')",
    "an exception's name": "raise type(f'E{MESSAGE}', (Exception,), {})()",
    "a shape": "return np.zeros((len(images), 35 + MESSAGE))",
    "how many are NaN": "s = np.zeros(len(images) * 35); s[: 1 + MESSAGE % 30] = np.nan; return s.reshape(-1, 35)",
    "a type": "return type(f'E{MESSAGE}', (), {})()",
}
REDUCED = ("an exception's text", "an exception's name", "a shape", "how many are NaN", "a type")
BEGIN = """\
import sys, time, warnings
import numpy as np
from IPython.display import display
MESSAGE = int(open("notes.txt").read())
HANDLE = display("nothing yet", display_id=True)
CALLS = []

def classify(images):
    CALLS.append(1)
    if len(CALLS) == 1:  # the public question: what is said of it may be said in full
        return np.zeros((len(images), 35))
    {body}
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, toy_cache: Path) -> preparation.Work:
    course = tiny_course(tmp_path_factory.mktemp("course"))
    settings = load(
        course.folder, {**os.environ, "PAWGRADE_CACHE": str(toy_cache), "PAWGRADE_SANDBOX": "none"}
    )
    desk = course.folder / "desk"
    desk.mkdir()
    return preparation.prepare(course, "tiny", settings, card=None, secret=SECRET.encode(), desk=desk)


def given(work: preparation.Work, folder: Path, body: str, message: int) -> dict[str, Any]:
    """Grade a notebook that knows a message, and return what its student gets."""
    notebook = solved(classify_code=BEGIN.format(body=body))
    place = folder / str(message) / "student01" / "tiny"
    place.mkdir(parents=True)
    nbformat.write(notebook, place / "tiny.ipynb")
    (place / "notes.txt").write_text(str(message))
    graded = grade_submission(Submission("student01", "tiny", place), work)
    told = disclosure.told(graded.grade)
    executed = nbformat.writes(next(iter(graded.executed.values())))
    page = feedback.render(told, title="Tiny", notebook=executed.encode())
    seen = {"page": page, "json": json.dumps(told.to_json()), "notebook": executed}
    return {name: neutral(text, told) for name, text in seen.items()}


def neutral(text: str, grade: Grade) -> str:
    """Leave out what is not of the answers: the attempt's name, and times of our own and of the cells."""
    text = re.sub(r'"id": "[0-9a-f]{8}"', "", text.replace(grade.attempt, "attempt"))  # papermill's own cell
    text = re.sub(r"(Starting Python|Running your notebook).*?</tr>", "", text, flags=re.DOTALL)
    text = re.sub(r'"(kernel|execute|total)": [\d.]+', "", text)
    number = r"[\d.]+(?:e[+-]?\d+)?"  # less than a tenth of a millisecond is written 8.8e-05
    return re.sub(
        rf'"(start_time|end_time|duration|iopub\.[\w.]+|shell\.[\w.]+)": ("[^"]*"|{number})', "", text
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", SENDERS)
def test_a_notebook_that_sends_a_message_is_not_heard(
    name: str, work: preparation.Work, tmp_path: Path
) -> None:
    if name in REDUCED and importlib.util.find_spec("grader.judging.answer_notes") is None:
        pytest.skip("exceptions are not reduced to class and line here")

    first, second = (given(work, tmp_path, SENDERS[name], message) for message in (4711, 30278))

    assert first == second
    assert "FAILED" in first["json"]


@pytest.mark.slow
def test_the_same_message_is_heard_where_all_is_told(work: preparation.Work, tmp_path: Path) -> None:
    told = dataclasses.replace(work, context=dataclasses.replace(work.context, hidden=False))

    first, second = (given(told, tmp_path, SENDERS["numbers"], message) for message in (4711, 30278))

    assert first["json"] != second["json"]
    assert first["page"] != second["page"]
