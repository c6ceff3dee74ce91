"""Every attack of the corpus gets its verdict, changes nothing, leaves nothing, and the next submission is graded in full."""

from __future__ import annotations

import json
import os

import pytest

from grader.records import Grade, Status
from tests.attacks.entries import Attack, read_all
from tests.attacks.grade import ATTACKER, NEXT, Range
from tests.attacks.world import PATTERN

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]


@pytest.mark.parametrize("attack", read_all(), ids=lambda attack: attack.id)
def test_an_attack_gets_its_verdict_and_the_next_submission_full_marks(attack: Attack, range_: Range) -> None:
    if attack.needs_root and os.getuid() != 0:
        pytest.skip(attack.needs_root)
    range_.hand_in(attack)

    grade, honest = graded(attack, range_)

    judged_as_it_must_be(attack, grade)
    nothing_was_learned(attack, grade, range_)
    nothing_was_changed(range_)
    assert (honest.points, honest.status) == (16, Status.PASSED), honest.staff.log or honest.notices


def graded(attack: Attack, range_: Range) -> tuple[Grade, Grade]:
    """Grade the attack, then honest work."""
    if attack.assignment == "attacks":
        grade, honest = range_.grade("attacks", (ATTACKER, NEXT))
        return grade, honest
    (grade,) = range_.grade(attack.assignment, (ATTACKER,))
    (honest,) = range_.grade("attacks", (NEXT,))
    return grade, honest


def judged_as_it_must_be(attack: Attack, grade: Grade) -> None:
    """Points, status, limit, verdicts and words are those of the entry."""
    said = [*grade.notices, *(f"{one.measured} {one.hint}" for one in grade.checks)]
    said += [f"{cell.error}: {cell.message}" for cell in grade.failed_cells]
    told = f"{said}\n{grade.staff.log}"
    assert attack.points <= grade.points <= max(attack.points, attack.points_to), told
    assert str(grade.status) == attack.status, told
    assert str(grade.limit or "") in (attack.limits or ("",)), told
    lost = {one.id for one in grade.exercises if one.points < one.max_points}
    assert lost == set(attack.loses) or attack.points_to == grade.max_points, told
    assert grade.checks
    assert not [one for one in grade.checks if one.status is Status.ERROR], told
    assert grade.staff.log == ""
    assert bool(grade.staff.flags) == attack.flagged, grade.staff.flags
    assert "tries" not in grade.provenance
    for words in attack.says:
        assert any(words in str(one) for one in said), told
    assert json.dumps(grade.to_json(), ensure_ascii=False).isprintable()


def nothing_was_learned(attack: Attack, grade: Grade, range_: Range) -> None:
    """No secret stands in anything that came back, and nothing harmful in what people look at."""
    for text in range_.kept(grade):
        assert not PATTERN.findall(text)
    for text in range_.rendered(grade.assignment):
        assert not [word for word in attack.hides if word in text]


def nothing_was_changed(range_: Range) -> None:
    """The world is as it was when the attack was handed in."""
    assert range_.world.outside() == range_.outside
    assert range_.world.marked() == []
    assert range_.left_behind(within_s=5) == []
