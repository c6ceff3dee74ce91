"""What `lab.check` returns: fields to read, a display for notebooks, text for terminals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from grader.checks.measures import measures
from grader.lab.results import ExerciseResult, LabResult, Mistake
from grader.messages import Message, joined
from grader.records import Check, Status

PHOTO = np.full((224, 224, 3), 90, np.uint8)
PASSED = Check(
    "same", "split", Status.PASSED, 6, 6, Message("wrong: 0"), Message("at most 0"), title="Same number"
)
FAILED = Check(
    "top_1",
    "breeds",
    Status.FAILED,
    12,
    30,
    Message("top-1 accuracy 0.700"),
    Message("at least 0.82"),
    Message("Train <script>alert(1)</script> longer."),
    "Your network names the breed.",
)
MISTAKES = tuple(Mistake(PHOTO, "Bengal", f"Birman & <b>{number}</b>") for number in range(9))
BREEDS = ExerciseResult("breeds", "Name the breed", (FAILED,), MISTAKES)


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """A real IPython in this process; its history stays in memory."""
    config = Config({"HistoryManager": {"hist_file": ":memory:"}})
    yield InteractiveShell.instance(config=config)
    InteractiveShell.clear_instance()


class Tags(HTMLParser):
    """Collects tags that are open, and all that were."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_student_can_read_fields() -> None:
    both = LabResult((ExerciseResult("split", "Split", (PASSED,)), BREEDS))

    assert (BREEDS.points, BREEDS.max_points, BREEDS.passed) == (12, 30, False)
    assert (both.points, both.max_points, both.passed) == (18, 36, False)
    assert [check.id for check in both.checks] == ["same", "top_1"]
    assert both.exercises[0].passed


def test_the_display_is_whole_self_contained_and_runs_nothing() -> None:
    html = LabResult((ExerciseResult("split", "Split", (PASSED,)), BREEDS))._repr_html_()

    parser = Tags()
    parser.feed(html)
    assert parser.open == []
    assert not parser.seen & {"script", "b", "style", "link", "iframe"}
    assert "&lt;script&gt;" in html
    assert set(re.findall(r'src="([^,]*),', html)) == {"data:image/jpeg;base64"}
    assert "http" not in html


def test_words_take_the_colours_of_the_page_around() -> None:
    """A colour of ours behind or of words could not be read in one of the two themes."""
    colours = re.findall(r"(?<!-)\b(?:color|background):\s*([^;\"]+)", BREEDS._repr_html_())

    assert set(colours) == {"inherit", "transparent"}


def test_the_display_says_status_measured_beside_required_and_hint() -> None:
    html = BREEDS._repr_html_()

    assert "part of the points, 12 of 30" in html
    row = re.search(r"<tr><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td></tr>", html)
    assert row is not None
    assert row.groups() == ("top-1 accuracy 0.700", "at least 0.82")
    assert "hint:" in html
    assert html.count("<img") == 6
    assert "6 of 9 public validation photos" in html


def test_photos_are_only_where_something_is_wrong() -> None:
    assert "<img" not in ExerciseResult("split", "Split", (PASSED,), MISTAKES)._repr_html_()


@pytest.mark.parametrize(
    ("measured", "required", "rows"),
    [
        (["a: 1", "b: 2"], ["at most 0", "at least 1"], [("a: 1", "at most 0"), ("b: 2", "at least 1")]),
        (["a: 1", "b: 2"], ["at most 0"], [("a: 1", "at most 0"), ("b: 2", "at most 0")]),
        (["a", "b", "c"], ["x", "y"], [("a", "x; y"), ("b", ""), ("c", "")]),
        ([], ["x"], [("", "x")]),
        ([], [], []),
    ],
)
def test_every_measure_has_a_row(
    measured: list[str], required: list[str], rows: list[tuple[str, str]]
) -> None:
    check = Check(
        "x",
        "y",
        Status.PASSED,
        1,
        1,
        joined([Message.of(text) for text in measured]),
        joined([Message.of(text) for text in required]),
    )

    assert [(measure.measured, measure.required) for measure in measures(check)] == rows


def test_bounds_that_belong_to_no_single_row_stand_beside_all() -> None:
    check = replace(
        PASSED, measured=joined([*map(Message.of, "abc")]), required=joined([*map(Message.of, "xy")])
    )

    html = ExerciseResult("split", "Split", (check,))._repr_html_()

    assert html.count("<tr>") == 4
    assert 'rowspan="3"' in html
    assert "x; y" in html


def test_a_terminal_gets_text_whose_words_stay_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    BREEDS.present()

    text = capsys.readouterr().out
    assert "✗ Your network names the breed." in text
    assert "measured: top-1 accuracy 0.700" in text
    assert "<script>alert(1)</script>" in text
    assert max(map(len, text.splitlines()[1:])) <= 44
    assert repr(BREEDS) == "<Name the breed: 12 of 30 points by the public checks>"


def test_a_notebook_shows_it_once_even_as_the_last_line_and_again_when_asked(shell: InteractiveShell) -> None:
    shell.user_ns["result"] = BREEDS
    with capture_output() as first:
        shell.run_cell("result.present()\nresult", store_history=True)
    with capture_output() as again:
        shell.run_cell("result", store_history=True)

    assert len(first.outputs) == len(again.outputs) == 1
    assert {"text/html", "text/plain"} <= set(first.outputs[0].data)


def test_show_draws_photos_with_what_they_were_taken_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import pyplot

    monkeypatch.setattr(pyplot, "show", lambda: None)
    pyplot.switch_backend("Agg")

    LabResult((ExerciseResult("split", "Split", (PASSED,)), BREEDS)).show(2)

    assert [axis.get_title() for axis in pyplot.gcf().axes] == [
        "Bengal\n-> Birman & <b>0</b>",
        "Bengal\n-> Birman & <b>1</b>",
    ]
    pyplot.close("all")


def test_show_says_so_where_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    ExerciseResult("split", "Split", (PASSED,)).show()

    assert "no photo was named wrongly" in capsys.readouterr().out
