"""Who handed in is looked up in the roster and never guessed; without one, ids are made of what the system gives."""

from __future__ import annotations

from grader.collecting.members import Sender
from grader.collecting.senders import Identity, identify
from grader.gradebook.roster import Roster, Student

ADA = Student("student01", name="Ada Example", canvas_id="11", github="ada", participant="17")
ROSTER = Roster(
    (
        ADA,
        Student("student02", name="Bo Example", participant="18"),
        Student("student03", name="Bo Example", participant="19"),
    ),
    "roster.csv",
)
NOBODY = Roster((), "the gradebook")


def moodle(name: str, participant: str) -> Sender:
    return Sender(
        name, (("name", name), ("participant", participant)), name.lower().replace(" ", "-"), participant
    )


def who(sender: Sender, roster: Roster = ROSTER, *, complete: bool = True) -> Identity:
    return identify([sender], roster, complete=complete)[0]


def test_a_name_or_a_number_finds_the_student() -> None:
    assert who(moodle("ADA EXAMPLE", "999")) == Identity("student01")
    assert who(moodle("Participant 17", "17")) == Identity("student01")
    assert who(moodle("Bo Example", "19")) == Identity("student03")


def test_two_of_one_name_are_not_guessed() -> None:
    identity = who(moodle("Bo Example", "5"))

    assert identity.student == ""
    assert "2 students in roster.csv have the name 'Bo Example': student02, student03" in identity.reason
    assert not who(moodle("Bo Example", "5"), complete=False).student


def test_a_name_and_a_number_of_two_students_are_nobody() -> None:
    assert (
        "more than one student in roster.csv: student01, student02" in who(moodle("Ada Example", "18")).reason
    )


def test_who_is_not_in_a_complete_roster_is_nobody_and_else_gets_an_id() -> None:
    stranger = moodle("Cy Example", "20")

    assert (
        who(stranger).reason
        == "nobody in roster.csv is 'Cy Example' and number 20 (looked for: name, participant)"
    )
    assert who(stranger, complete=False) == Identity("cy-example", made=True)


def test_the_courses_own_id_goes_before_other_names() -> None:
    roster = Roster((Student("ada", github="student01"), ADA), "roster.csv")

    assert who(Sender("ada", (("id", "ada"), ("github", "ada")), "ada"), roster) == Identity("ada")


def test_two_names_that_become_one_id_are_told_apart_by_number_or_not_at_all() -> None:
    twins = [moodle("Ada Example", "1"), moodle("Ada Example", "2"), moodle("Ada Example", "2")]
    plain = [Sender("a:b", (), "a_b"), Sender("a?b", (), "a_b"), Sender("c", (), "c"), Sender("c", (), "c")]

    assert [row.student for row in identify(twins, NOBODY, complete=False)] == [
        "ada-example-1",
        "ada-example-2",
        "ada-example-2",
    ]
    made = identify(plain, NOBODY, complete=False)
    assert [row.student for row in made] == ["", "", "c", "c"]
    assert "a roster can tell them apart" in made[0].reason
    assert not made[2].made


def test_an_id_that_differs_in_case_from_a_folder_is_refused() -> None:
    sender = Sender("ADA", (), "ADA")

    refused = identify([sender], NOBODY, complete=False, folders=["ada"])[0]

    assert "differs in nothing but case" in refused.reason
    assert identify([sender], NOBODY, complete=False, folders=["ADA"])[0].student == "ADA"


def test_a_name_without_letters_makes_no_id() -> None:
    assert "no id can be made" in who(Sender("...", (), ""), NOBODY, complete=False).reason
