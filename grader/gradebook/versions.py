"""Count the versions of a student's work that were scored against the same hidden photos, and keep those beyond the limit.

Whoever may ask often enough learns the hidden photos by their scores. So versions are counted: different files whose
notebook ran on the same assignment, data card and split. What could not be read, what never ran through a fault of ours
and what is graded once more do not count; an error after it ran does: a notebook can cause one, and would have free
tries. A version beyond the limit is not run; it is kept:

```
.pawgrade/unscored/<assignment>/<student>/<version>/   notebook, declared files, timestamp.txt as handed in
.pawgrade/unscored/<assignment>/<student>/<version>/unscored.json    why, in words for the student
.pawgrade/unscored/<assignment>/<student>/current      the version handed in now, when it is one of these
```
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from grader.assignment import contents
from grader.assignment.course import TIMESTAMP
from grader.errors import SubmissionError
from grader.files import fresh_folder, read_bytes, write_whole
from grader.gradebook import attempts
from grader.messages import NOTHING, Message, quoted
from grader.notebooks import cells
from grader.records import Grade, Submission

WHY, MESSAGE = "unscored.json", "message"
# In a grade's provenance: digest of the files, number of the scored attempt, whether a notebook ran that we could not judge.
VERSION, TURN, RAN = ("files", "scored", "ran")
HANDED_IN = "handed_in"  # in a grade's provenance: text of the `timestamp.txt` beside the files that it is of


@dataclass(frozen=True)
class Against:
    """What work is judged against; when any of it changes, counting starts anew.

    Levels, points and checks are no part of it: when they change, the hidden photos stay the same ones.

    Attributes:
        version: digest of what the questions are drawn from, the course secret included.
        split: digest of the split.
        card: id of the data card.
    """

    version: str
    split: str
    card: str


def against(grade: Grade) -> Against:
    """Return what an attempt was judged against."""
    return Against(grade.provenance.get("assignment", ""), grade.provenance.get("split", ""), grade.data)


def judged_by(grade: Grade) -> str:
    """Return the digest of the levels and checks that gave a grade, and of the assignment around them."""
    # Grades from before judgements were noted were given by the version that their questions were drawn from.
    return grade.provenance.get(attempts.JUDGED, grade.provenance.get("assignment", ""))


def note_judge(course: Path, assignment: str, digest: str) -> None:
    """Note by which levels and checks (`judged_by`) a class is graded now: the best version is the best by these."""
    path = attempts.root(course, assignment) / attempts.JUDGED
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, digest)


def counting(course: Path, assignment: str, student: str, rule: str = "latest") -> Grade | None:
    """Return the attempt that counts: the current one, or the best that can be compared with it when the rule is `best`.

    Raises:
        SpecError: an attempt that may count is damaged.
    """
    name = attempts.current(course, assignment, student)
    if rule == "best":
        grades = attempts.stored(course, assignment, student)
        return best(comparable(grades, name, judge_in_force(course, assignment)))
    return attempts.read(course, assignment, student, name) if name else None


def judge_in_force(course: Path, assignment: str) -> str:
    """Return what `note_judge` noted, or ""."""
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        return (attempts.root(course, assignment) / attempts.JUDGED).read_text(encoding="utf-8")
    return ""


def comparable(grades: Sequence[Grade], current: str, judge: str = "") -> list[Grade]:
    """Return the grades whose points measure the same: same hidden photos, course secret, levels and checks.

    Args:
        grades: of one student in one assignment.
        current: id of the attempt that is handed in now; what it was judged against decides, and of the latest where it is
            not among the grades.
        judge: levels and checks as `judged_by` has them; where none of these grades was given by them, those of the current
            attempt decide.
    """
    if not grades:
        return []
    in_time = sorted(grades, key=lambda grade: grade.provenance.get("graded_at", ""))
    anchor = next((grade for grade in grades if grade.attempt == current), in_time[-1])
    same = [grade for grade in grades if against(grade) == against(anchor)]
    digest = judge if any(judged_by(grade) == judge for grade in same) else judged_by(anchor)
    return [grade for grade in same if judged_by(grade) == digest]


def best(grades: Iterable[Grade]) -> Grade | None:
    """Return the attempt with most points, the latest of equals; None of none."""
    return max(grades, key=lambda grade: (grade.points, grade.provenance.get("graded_at", "")), default=None)


def version(submission: Submission) -> str:
    """Return a digest of what was handed in, whatever it is judged against."""
    return contents.attempt_id(submission)


def version_of(grade: Grade) -> str:
    """Return the digest of an attempt's files; the attempt's id where none was noted."""
    return grade.provenance.get(VERSION, grade.attempt)


def judged(course: Path, assignment: str, student: str, judge: Against) -> list[Grade]:
    """Return a student's attempts that were judged against the same, in the order of their versions.

    Args:
        course: the course folder.
        assignment: id of the assignment.
        student: nbgrader's student id.
        judge: what they were judged against.

    Returns:
        One grade a version: the latest, where it was graded more than once. These count against the limit.
    """
    return judged_of(course, attempts.stored(course, assignment, student), judge)


def judged_of(course: Path, stored: Sequence[Grade], judge: Against) -> list[Grade]:
    """Return what `judged` does, of a student's stored attempts that were read before."""
    grades = [
        grade
        for grade in stored
        if against(grade) == judge and (attempts.has_run(course, grade) or RAN in grade.provenance)
    ]
    # The number decides before the time: a version that is graded again keeps its place.
    grades.sort(key=lambda grade: (_turn(grade), grade.provenance.get("graded_at", "")))
    # Of equal keys a dict keeps the first one's place and the last one's value: the latest grade.
    return list({version_of(grade): grade for grade in grades}.values())


def _turn(grade: Grade) -> int:
    text = grade.provenance.get(TURN, "")
    return int(text) if text.isdecimal() else 0  # attempts from before they were numbered come first


def numbered(grade: Grade, submitted: str, before: Sequence[Grade]) -> Grade:
    """Return a new grade with its version and, if that was scored before, the number that it had then.

    Args:
        grade: of an attempt that is not stored yet.
        submitted: `version` of what was handed in.
        before: what `judged` says.
    """
    same = next(
        (
            earlier
            for earlier in before
            if version_of(earlier) == submitted or earlier.attempt == grade.attempt
        ),
        None,
    )
    # Beyond the largest number given so far, too: an attempt's folder may have been deleted since.
    turn = max([len(before), *map(_turn, before)]) + 1 if same is None else _turn(same)
    return replace(grade, provenance={**grade.provenance, VERSION: submitted, TURN: str(turn)})


def handed_in(course: Path, grade: Grade) -> str:
    """Return the text of the `timestamp.txt` that came with an attempt's files, where others are handed in now; "" otherwise.

    Of what is handed in now the file itself says the time: staff may have mended it.
    """
    student = (course, grade.assignment, grade.student)
    if attempts.current(*student) == grade.attempt and not waiting(*student):
        return ""
    return grade.provenance.get(HANDED_IN, "")


def standing(grade: Grade, before: list[Grade], limit: int) -> Message:
    """Say which of how many scored attempts a grade is.

    Args:
        grade: the attempt.
        before: what `judged` says, the attempt included if it is scored.
        limit: the setting `attempts`; 0 for none.
    """
    numbers = [number for number, earlier in enumerate(before, start=1) if earlier.attempt == grade.attempt]
    if not numbers:
        if not limit:
            return Message("{used} scored attempts used; this one was not counted.", used=len(before))
        return Message(
            "{used} of {limit} scored attempts used; this one was not counted.", used=len(before), limit=limit
        )
    if limit and len(before) > limit:
        return Message(
            "Scored attempt {number}; {scored} were scored, the limit is {limit}.",
            number=numbers[0],
            scored=len(before),
            limit=limit,
        )
    if limit:
        return Message("Scored attempt {number} of {limit}.", number=numbers[0], limit=limit)
    return Message("Scored attempt {number}.", number=numbers[0])


def keep(
    course: Path,
    submission: Submission,
    judge: Against,
    files: Mapping[str, int],
    *,
    limit: int,
    counts: Message,
) -> Message:
    """Keep a version that is not scored, and say why.

    Args:
        course: the course folder.
        submission: what was handed in.
        judge: what it would have been judged against.
        files: names of the declared files, with the largest size of each in bytes.
        limit: how many versions are scored.
        counts: a sentence that says which version the grade is of.

    Returns:
        A notice for the student.
    """
    name, folder = version(submission), _place(course, submission.assignment, submission.student)
    number = _number(course, submission, judge)
    notice = Message(
        "This is version {number} of your work, and {limit} are scored: it was kept, but not run and not scored. {counts} "
        "If you think that it should be scored, ask your teachers.",
        number=number,
        limit=limit,
        counts=counts,
    )
    # Declared files only, each up to its size: a folder that is not run must not fill the disk either.
    notebooks = (path.name for path in submission.paths.values())
    taken = {**dict.fromkeys(notebooks, cells.MAX_NOTEBOOK_BYTES), TIMESTAMP: 1024, **files}
    with fresh_folder(folder / name) as draft:
        for file, most in taken.items():
            # What is missing, a link or too large is left out of the copy.
            with contextlib.suppress(FileNotFoundError, SubmissionError):
                (draft / file).write_bytes(read_bytes(submission.folder / file, most))
        why = {**asdict(judge), "number": number, "notice": str(notice), MESSAGE: notice.to_record()}
        (draft / WHY).write_text(json.dumps(why, indent=1), encoding="utf-8")
    # Last: the pointer must not name a folder that is not complete.
    write_whole(folder / "current", name)
    return notice


def _number(course: Path, submission: Submission, judge: Against) -> int:
    """Return which version of the student's work this is, scored and kept ones together."""
    folder = _place(course, submission.assignment, submission.student)
    # The pointer `current` matches the pattern as well, but it is a file.
    unscored = {path.name: _why(path) for path in folder.glob("[0-9a-f]*") if path.is_dir()}
    comparable = {name: why for name, why in unscored.items() if asdict(judge).items() <= why.items()}
    earlier_number = comparable.get(version(submission), {}).get("number")
    before = judged(course, submission.assignment, submission.student, judge)
    # A version that was kept before has its number already; handing it in again makes it no new one.
    return int(earlier_number) if earlier_number else len(before) + len(comparable) + 1


def waiting(course: Path, assignment: str, student: str) -> Message:
    """Return the notice about the version handed in now when it is not scored, or `NOTHING`."""
    folder = _place(course, assignment, student)
    with contextlib.suppress(FileNotFoundError):
        name = (folder / "current").read_text(encoding="utf-8")
        why = _why(folder / name)
        # Notices from before there were messages are words alone (ADR 17).
        return Message.from_record(why[MESSAGE]) if MESSAGE in why else quoted(str(why.get("notice", "")))
    return NOTHING


def unscored(course: Path, assignment: str, student: str) -> str:
    """Return the `version` handed in now when it is kept and not scored, or ""."""
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        return (_place(course, assignment, student) / "current").read_text(encoding="utf-8")
    return ""


def settle(course: Path, submission: Submission) -> None:
    """Remove the mark that what is handed in now is unscored, and its copy: it has become an attempt."""
    folder = _place(course, submission.assignment, submission.student)
    (folder / "current").unlink(missing_ok=True)
    if folder.is_dir():
        shutil.rmtree(folder / version(submission), ignore_errors=True)


def _place(course: Path, assignment: str, student: str) -> Path:
    return course / ".pawgrade" / "unscored" / assignment / student


def _why(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / WHY).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # a damaged note costs its words, never the grading
        return {}
    return record if isinstance(record, dict) else {}
