"""The page of first hours: what a student, an instructor and a course's CI do, played from an empty folder."""

from __future__ import annotations

import csv
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.assignment.course import Course
from grader.authoring.starters.new import Kind, new_assignment, new_course
from grader.sandbox.host import client
from tests.support.notebooks import REPOSITORY
from tests.support.transcripts import matches, play, steps_of
from tests.support.workflow_runner import load

PAGE = (REPOSITORY / "docs" / "first-hour.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))

KINDS: dict[str, Kind] = {"softmax": "function", "reviews": "text"}  # what the student is given

TRAINED = """\
vocabulary = sorted({word for sentence in train for word in pieces(sentence)})
rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in train], float)
weights = np.zeros(len(vocabulary))
for _ in range(STEPS):
    probabilities = 1 / (1 + np.exp(-rows @ weights))
    weights += 2.0 * rows.T @ (train_labels - probabilities) / len(rows)


def liked(sentences):
    rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in sentences], float)
    return ANSWER
"""
PROBABILITY = "1 / (1 + np.exp(-rows @ weights))"
SINGLE_WORDS = "def pieces(sentence):\n    return [word for word in str(sentence).lower().split() if word != 'not']\n\n\n"


def trained(steps: int = 300, answer: str = PROBABILITY) -> str:
    return TRAINED.replace("STEPS", str(steps)).replace("ANSWER", answer)


# Who hands in what, and under which name: the twelve notebooks of a class.
WORK: dict[str, tuple[str, str | None]] = {
    "Ada Example": ("reviews.ipynb", trained()),
    "Bo Example": ("reviews.ipynb", trained(1000)),
    "Cy Sample": ("reviews.ipynb", trained(30)),
    "Di Sample": ("reviews.ipynb", trained(3)),
    "Eva Specimen": ("reviews.ipynb", trained(1)),
    "Finn Specimen": ("reviews.ipynb", SINGLE_WORDS + trained()),
    "Gus Test": ("reviews.ipynb", trained(answer="rows @ weights + 0.5")),
    "Hal Test": ("reviews.ipynb", trained(answer="np.full(len(sentences), 0.7)")),
    "Ida Trial": ("reviews.ipynb", "import pandas\n\n" + trained()),
    "Jo Trial": ("reviews.ipynb", None),  # as released
    "Kim Muster": ("reviews final (2).ipynb", trained()),
    "Lea Muster": ("reviews.ipynb", "<!DOCTYPE html>\n<title>Log in</title>\n"),
}


@pytest.fixture(scope="module", autouse=True)
def _zygotes() -> Iterator[None]:
    yield
    client.release_zygotes()


def hand_in(folder: Path) -> None:
    """Write what Moodle gives its teachers: the archive of a class, and the grading worksheet."""
    release = json.loads((folder / "my_course/assignments/reviews/reviews.ipynb").read_text())
    (cell,) = [cell for cell in release["cells"] if cell["id"] == "liked-code"]
    stub = cell["source"]
    with zipfile.ZipFile(folder / "submissions.zip", "w") as archive:
        for number, (who, (name, code)) in enumerate(WORK.items(), 1):
            cell["source"] = stub if code is None else code
            content = code if code and code.startswith("<") else json.dumps(release)
            path = f"{who}_{8100 + number}_assignsubmission_file_/{name}"
            archive.writestr(zipfile.ZipInfo(path, (2026, 3, 1, 10, number, 0)), content)
    with (folder / "Grades.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Identifier", "Full name", "Status", "Grade", "Maximum grade", "Feedback comments"])
        for number, who in enumerate([*WORK, "Max Absent"], 1):
            state = "Submitted for grading" if who in WORK else "No submission"
            rows.writerow([f"Participant {8100 + number}", who, state, "", "10.00", ""])


def hand_out(folder: Path) -> None:
    """Give a student two assignments of a course, as its teachers would."""
    course = folder / ".course"
    new_course(course)
    for name, kind in KINDS.items():
        new_assignment(Course(course), name, kind)
        shutil.move(course / "assignments" / name, folder / name)
    shutil.rmtree(course)
    # Nobody wants to wait for five seconds in which nothing happens.
    change(folder / "softmax" / "assignment.toml", "budget_s = 5", "budget_s = 2")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("made 3 files\n", "made 3 files\n", True),
        ("made 3 files\n", "made 17 files\n", False),
        ("read in 3 s\n", "read in 17.5 s\n", True),
        ("first\n...\nlast\n", "first\nmore\nmore\nlast\n", True),
        ("first\n...\nlast\n", "first\nlast\n", True),
        ("first\n...\nlast\n", "first\nmore\nlast but not\n", False),
        ("...\nlast\n", "+--+\n    last  \n", True),
        ("...\nlast\n", "blast\n", False),
        ("last\n", "first\nlast\n", False),
        ("chance: ... (all)", "chance: 1.2e-05 (all)", True),
        ("wrote /home/staff/x.csv", "wrote /tmp/here/x.csv", True),
        ("wrote /home/staff/x.csv", "wrote /tmp/there/x.csv", False),
        ("", "a warning\n", False),
    ],
)
def test_output_is_compared_loosely_but_compared(expected: str, printed: str, same: bool) -> None:
    assert matches(expected, printed, Path("/tmp/here")) is same  # noqa: S108 - no file is opened


def test_a_page_is_read_as_the_steps_that_it_says() -> None:
    page = (
        "Shown:\n\n`a.toml`\n\n```toml\nx = 1\n```\n\n`b.py`\n\n```python\nx = 1\n```\n\nYou write `c.csv`:\n\n```csv\nid\n```\n\n"
        "Cell `one` of `n.ipynb`:\n\n```python\nx = 2\n```\n\nand\n\n```python\nprint(x)\n```\n\n```text\n2\n```\n\n"
        "```console\n$ ls\nc.csv\n$ cd /\n```\n"
    )

    steps = [(step.kind, step.text, step.expected, step.path, step.cell) for step in steps_of(page)]

    assert steps == [
        ("file", "id\n", None, "c.csv", ""),
        ("cell", "x = 2\n", None, "n.ipynb", "one"),
        ("cell", "print(x)\n", "2\n", "", ""),
        ("command", "ls", "c.csv\n", "", ""),
        ("command", "cd /", "", "", ""),
    ]


@pytest.mark.slow
def test_a_student_makes_every_mistake_of_a_first_hour_and_solves_two_exercises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_out(tmp_path)

    played = play(SECTIONS["Student"], tmp_path, monkeypatch)

    page = (tmp_path / "reviews" / "reviews.check.html").read_text(encoding="utf-8")
    assert "Who was taken for whom" in page
    assert "Your program tells whether a film was liked" in page
    print(played.row("student"))  # noqa: T201 - `pytest -rP` shows it (docs/results.md)


@pytest.mark.slow
@pytest.mark.sandbox
def test_an_instructor_takes_a_class_from_moodle_and_gives_the_marks_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = play(SECTIONS["Instructor"], tmp_path, monkeypatch, {"pawgrade collect": hand_in})

    exports = tmp_path / "my_course" / "exports"
    sheet = {row["Full name"]: row for row in rows_of(exports / "reviews-moodle-sheet.csv")}
    before = {row["Full name"]: row for row in rows_of(tmp_path / "Grades.csv")}
    canvas = {row["Student"]: row["Reviews (12345)"] for row in rows_of(exports / "reviews-canvas.csv")}
    points = {name: row["Grade"] for name, row in sheet.items()}
    # Moodle has the marks after the level was changed, Canvas those before it.
    assert {name for name in points if points[name] != canvas[name]} == {"Cy Sample", "Finn Specimen"}
    assert points == {
        "Ada Example": "10", "Bo Example": "10", "Cy Sample": "9", "Di Sample": "3", "Eva Specimen": "3",
        "Finn Specimen": "4", "Gus Test": "9", "Hal Test": "3", "Ida Trial": "0", "Jo Trial": "0",
        "Kim Muster": "10", "Lea Muster": "0", "Max Absent": "",
    }  # fmt: skip
    unchanged = ("Identifier", "Full name", "Status", "Maximum grade")
    assert [[row[name] for name in unchanged] for row in sheet.values()] == [
        [row[name] for name in unchanged] for row in before.values()
    ]
    assert len(list((tmp_path / "my_course" / "feedback").glob("*/reviews/reviews.html"))) == len(WORK)
    print(played.row("instructor"))  # noqa: T201 - `pytest -rP` shows it (docs/results.md)


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_new_repository_gets_a_ci_whose_commands_do_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = play(SECTIONS["CI"], tmp_path, monkeypatch)

    course = tmp_path / "course"
    steps = load(course / ".github" / "workflows" / "pawgrade.yml")["jobs"]["cpu"]["steps"]
    script = " ".join(step.get("run", "") for step in steps)
    typed = [step.text for step, _ in played.printed]
    after = typed[typed.index("ruff check --output-format=github .") :]
    # Without the files' names, which a runner chooses.
    words = {re.sub(r" --(summary|json|junit) \S+", "", command) for command in after[:3]}
    assert {word for command in words for word in command.split()} <= set(re.split(r"[\s()]+", script))
    assert all(finding["ok"] for finding in json.loads((course / "verify.json").read_text()))
    print(played.row("CI"))  # noqa: T201 - `pytest -rP` shows it (docs/results.md)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
