"""What verify found: a table in a terminal, lines for a pipe, an author's slips below."""

from __future__ import annotations

import pytest

from grader.authoring.findings import Finding
from grader.cli import findings as findings_output
from tests.cli.test_output import printed


def test_findings_for_a_pipe_are_a_line_each_and_their_number_goes_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    findings_output.print_findings(
        [Finding("tiny", "release is fresh", False, f"{'words ' * 60}[staff]", 3.0)]
    )

    written, told = capsys.readouterr()
    assert written == f"NOT OK\ttiny\trelease is fresh\t3\t{'words ' * 60}[staff]\n"
    assert told == "1 of 1 not as they must be\n"


@pytest.mark.parametrize(
    ("oks", "said"),
    [((True, True), "2 looked at, all as they must be"), ((True, False), "1 of 2 not as they must be")],
)
def test_findings_say_in_one_line_whether_all_is_well(oks: tuple[bool, bool], said: str) -> None:
    findings = [Finding("tiny", f"finding {number}", ok, "detail") for number, ok in enumerate(oks)]

    text = printed(findings_output.findings_table(findings))

    assert said in text
    assert text.count("✗") == oks.count(False)


def test_what_an_author_reads_in_full_is_told_once_below() -> None:
    log = "IndexError: no such row, check_public.py:7\n    the line"
    findings = [Finding("tiny", what, False, "broken", log=log) for what in ("source", "release")]

    lines = [line.plain for line in findings_output.slips(findings)]

    assert lines == ["tiny: source", "  IndexError: no such row, check_public.py:7", "      the line"]
    assert "(more below)" in printed(findings_output.findings_table(findings))
