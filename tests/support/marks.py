"""A course whose marks can be exported: attempts, a gradebook with work by hand, a roster."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from grader.assignment.course import Course
from grader.gradebook import attempts, versions
from grader.gradebook.nbgrader import open_gradebook, record
from grader.messages import Message
from grader.records import Check, Grade, Requirement, StaffNotes, Status
from grader.reports.exports.rows import Marks, gather
from grader.settings import load
from tests.support.gradebooks import worked_course
from tests.support.notebooks import toy_grade

ROSTER = '''\
id,First name,Surname,Email address,Username,ID number,Canvas ID,SIS User ID,SIS Login ID,Section,Moodle participant
student01,Ada,"Example, ""Countess""",ada@example.org,ada,1001,501,S1,ada,Group 1,Participant 17
student02,Jürgen,=Müstermaß,juergen@example.org,juergen,1002,502,S2,juergen,Group 1,Participant 18
student03,Kim,Sample,kim@example.org,kim,1003,503,S3,kim,Group 2,Participant 19
student04,Sam,Specimen,sam@example.org,sam,1004,504,S4,sam,Group 2,Participant 20
'''


def undecided(student: str) -> Grade:
    grade = toy_grade(student, double=0.0)
    exercises = (dataclasses.replace(grade.exercises[0], status=Status.ERROR), grade.exercises[1])
    return dataclasses.replace(grade, exercises=exercises, status=Status.ERROR)


def exported_course(folder: Path) -> Course:
    """student01 has everything, 02 waits for a person, 03 handed in nothing, 04 is not decided, 05 is in no roster."""
    course = worked_course(folder)
    (course / "roster.csv").write_text(ROSTER)
    check = Check(
        "doubles",
        "double",
        Status.FAILED,
        3.3333,
        6.0,
        measured=Message("=about 0.5"),
        required=Message("0.9"),
        hint=Message("Multiply by two."),
        title="Every number is doubled.",
        requirements=(Requirement("check_hidden.py:7", "secret measure", False, 0.512345),),
        exact=Message("secret 0.512345"),
    )
    grades = [
        dataclasses.replace(
            toy_grade("student01", double=3.3333), checks=(check,), staff=StaffNotes(flags=("secret flag",))
        ),
        toy_grade("student02", double=0.0),
        undecided("student04"),
        toy_grade("student05"),
    ]
    for grade in grades:
        attempts.write(course, grade, submitted={}, executed={}, answers={})
        attempts.set_current(course, grade)
    with open_gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        record(gradebook, grades[2], {})
    return Course(course.resolve())


def grade_what_lies_there(course: Course, grade: Grade) -> None:
    """Store an attempt of the files that its student has handed in, as `grade` does."""
    submission = course.submissions(grade.assignment, (grade.student,))[0]
    grade = versions.numbered(grade, versions.version(submission), [])
    attempts.write(course.folder, grade, submitted={}, executed={}, answers={})
    attempts.set_current(course.folder, grade)


def marks_of(course: Course, **changes: object) -> Marks:
    return gather(course, "toy", load(None, {}), **changes)  # type: ignore[arg-type]
