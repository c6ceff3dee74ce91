"""The page says what the grade says, in order, and nothing that only staff may know."""

from __future__ import annotations

import base64
import functools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from grader.checks.images import to_png
from grader.datasets.photos import cat_photo
from grader.feedback.drawings import Drawing, sheet
from grader.feedback.page import HandedIn, ManualComment, render
from grader.feedback.wording import duration, number
from grader.files import write_whole
from grader.grading.notices import on_failed_cells
from grader.messages import Message, joined
from grader.records import Check, ExerciseGrade, FailedCell, Limit, Picture, Seconds, Status
from tests.support import pages

REFLECTION = ManualComment("reflection", "What the numbers do not say", None, 10)


@functools.cache
def whole_page() -> str:
    return render(
        pages.grade(), title="The lab", notebook=pages.stored(pages.notebook()), photos=pages.DrawnPhotos()
    )


def page(entry_points: list[str] | None = None, **changes: Any) -> str:
    """Return the page of a grade without pictures, which take most of the time."""
    return render(
        pages.grade(**{"pictures": (), **changes}),
        title="The lab",
        notebook=pages.stored(pages.notebook()),
        own=pages.own_pictures(),
        entry_points=entry_points or (),
    )


def words(html: str) -> str:
    """Return the text of a page as a reader meets it."""
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_the_page_needs_no_network_and_no_script() -> None:
    html = whole_page()

    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in html
    assert "<script" not in html
    assert re.findall(r'(?:src|href)="(?!data:image/|#)([^"]*)"', html) == []


def test_the_parts_come_in_the_order_people_need_them() -> None:
    html = render(
        pages.limited(status=Status.FAILED),
        title="The lab",
        notebook=pages.stored(pages.notebook()),
        manual=[REFLECTION],
    )

    titles = re.findall(r"<h2[^>]*>([^<]*)", html)

    assert titles == [
        "Begin here",
        "About this attempt",
        "Results",
        "Graded by hand",
        "Where the time went",
        "What we put right",
        "Cells that failed",
        "Pictures",
        "Your notebook, as it ran",
    ]


def test_the_points_and_the_pass_mark_stand_at_the_top() -> None:
    html = render(pages.grade(pictures=()), title="The lab", notebook=None, pass_points=60)

    assert "67.5 / 90 points" in words(html)
    assert "✓ Passed" in words(html)
    assert "Passed at 60 points." in words(html)


def test_cells_graded_by_hand_under_one_heading_are_told_apart() -> None:
    manual = [ManualComment(name, "Discussion", None, 2) for name in ("why", "how")] + [REFLECTION]

    html = render(pages.grade(pictures=()), title="The lab", notebook=None, manual=manual)

    titles = re.findall(r"<h3>([^<]*)</h3>", html)
    assert [title for title in titles if title.startswith("Discussion")] == [
        "Discussion (why)",
        "Discussion (how)",
    ]
    assert REFLECTION.title in titles


def test_points_to_be_given_by_hand_are_announced() -> None:
    html = render(pages.grade(pictures=()), title="The lab", notebook=None, manual=[REFLECTION])

    assert "67.5 / 100 points" in words(html)
    assert "10 more points are to be graded by hand" in words(html)


def test_points_given_by_hand_count_and_bring_their_comment() -> None:
    comment = ManualComment(
        "reflection", "What the numbers do not say", 8, 10, "Good.\n<b>More</b> on breeds?"
    )

    html = render(pages.grade(manual_points=8.0), title="The lab", notebook=None, manual=[comment])

    assert "75.5 / 100 points" in words(html)
    assert "67.5 of 90 points were given automatically, 8 by hand" in words(html)
    assert "&lt;b&gt;More&lt;/b&gt; on breeds?" in html


@pytest.mark.parametrize(
    ("status", "state"),
    [(Status.FAILED, "✗ Not passed yet"), (Status.ERROR, "! Could not be decided: course staff look at it")],
)
def test_the_state_is_said_in_words(status: Status, state: str) -> None:
    assert state in words(page(status=status))


def test_a_check_shows_what_was_found_needed_and_to_be_tried() -> None:
    text = words(page())

    assert "top-1 accuracy 0.75 (158 of 210; between 0.69 and 0.81)" in text
    assert "0.82 for full points, 0.55 for the first" in text
    assert "Try next: Is the head trained on normalised images?" in text


@pytest.mark.parametrize(
    "verdict", ["✓ Full points", "✗ Not yet", "◐ Part of the points", "→ Skipped", "! Course staff"]
)
def test_a_verdict_never_stands_on_colour_alone(verdict: str) -> None:
    assert verdict in words(page())


def test_an_exercise_leads_to_the_students_own_function() -> None:
    html = page(entry_points=["preprocess"])

    card = html[html.index("Name the breed</h3>") :]
    assert re.search(r'<a class="to-cell" href="#(.*?)">(.*?)</a>', card).groups() == (  # type: ignore[union-attr]
        "cell-1",
        "under “The 35-breed lab”, the cell that begins with <code>import numpy as np</code>",
    )
    assert 'id="cell-1"' in html


def test_an_exercise_without_a_function_leads_to_its_test_cell() -> None:
    html = page()

    assert '<a class="to-cell" href="#cell-5">Its test cell in your notebook</a>' in html
    assert 'id="cell-5"' in html
    assert "tests “Name the breed”" in words(html)


@pytest.mark.parametrize("limit", list(Limit))
def test_every_limit_is_told_in_plain_words(limit: Limit) -> None:
    assert re.search(r"(About this attempt|Begin here) (The notebook|One cell)", words(page(limit=limit)))


def test_a_limit_names_the_cell_it_hit() -> None:
    html = render(
        pages.limited(status=Status.FAILED), title="The lab", notebook=pages.stored(pages.notebook())
    )

    begin = words(html[html.index('id="begin"') : html.index('id="notices-title"')])
    assert (
        "One cell took longer than a cell may take. Your code: under “Features”, the cell that begins"
        in begin
    )
    assert html.count('href="#cell-4"') == 2


def test_a_failed_cell_is_listed_linked_and_marked() -> None:
    html = page()

    assert 'href="#cell-4">under “Features”, the cell that begins with <code>images = lab.images' in html
    assert "name &#39;backbone&#39; is not defined" in html
    assert 'class="cell code broken" id="cell-4"' in html


def test_a_failed_cell_without_a_notebook_has_no_dead_link() -> None:
    html = render(pages.grade(), title="The lab", notebook=None)

    assert "code cell 2" in html
    assert "#cell-4" not in html


def test_the_most_confused_breeds_come_with_public_photos() -> None:
    html = whole_page()

    assert re.search(r"Your network took \w+ for \w+ : 1 of 6 photos\.", words(html))
    assert html.count('src="data:image/jpeg;base64,') == 5 * 2 * 2
    assert "examples from the public training split" in html


def test_without_photos_the_confused_breeds_are_named_only() -> None:
    html = render(pages.grade(), title="The lab", notebook=None)

    assert "Most often confused" in html
    assert "image/jpeg" not in html


def test_a_picture_that_cannot_be_drawn_costs_only_the_picture() -> None:
    html = page(pictures=(Picture("hologram", "A cat", {}),))

    assert "This picture could not be drawn" in html


def test_a_picture_that_says_too_much_costs_only_the_picture() -> None:
    def flood(content: dict[str, Any]) -> Drawing:
        return sheet(10, 10, [], ["word " * 1000] * 1000)

    html = render(
        pages.grade(pictures=(Picture("flood", "A flood", {}),)),
        title="The lab",
        notebook=None,
        own={"flood": flood},
    )

    assert "This picture was left out: the page would be too large." in html
    assert len(html) < 100_000


def test_what_only_staff_may_know_is_not_there() -> None:
    html = whole_page()

    assert "Traceback of the grader" not in html
    assert "secret-split" not in html
    assert "Pawgrade 0.1.0 · attempt 3f9a1c7e52d0" in words(html)
    assert "Graded 2025-03-14 09:26" in words(html)


def test_a_grade_made_without_a_sandbox_says_so() -> None:
    assert "run without a sandbox" in page(sandbox="none")
    assert "run without a sandbox" not in page()


def test_every_hostile_word_in_a_grade_is_only_a_word() -> None:
    html = render(pages.hostile_grade(), title=pages.HOSTILE[0], notebook=None)

    assert "<script" not in html
    assert not re.search(r"<img(?! src=\"data:)", html)
    assert "&lt;script&gt;pwn()&lt;/script&gt;" in html


def test_templates_in_a_students_words_are_not_run() -> None:
    html = render(
        pages.grade(student="{{ 7 * 7 }}"),
        title="{{ 7 * 7 }}",
        notebook=pages.stored(pages.hostile_notebook()),
    )

    assert "{{ 7 * 7 }}" in html
    assert ">49<" not in html


def test_the_executed_notebook_is_shown_whole() -> None:
    text = words(page())

    assert "features: 13/13 batches done" in text
    assert "features: 12/13" not in text
    assert "UserWarning: the weights are from 2020" in text
    assert "abyssinian 12 0.92" in text
    assert "# what the network sees" in text


def test_the_page_stays_small() -> None:
    assert len(whole_page()) < 2_000_000


@functools.cache
def page_of_the_labs() -> str:
    """Return a page with all pictures, and a notebook whose plots are far too many."""
    given = pages.notebook()
    photo = np.clip(cat_photo() + pages.noise(8, -8, 9), 0, 255).astype(np.uint8)
    plot = base64.b64encode(to_png(photo)).decode("ascii")
    output = nbformat.v4.new_output("display_data", {"image/png": plot})
    given.cells += [nbformat.v4.new_code_cell(f"plot({at})", outputs=[output] * 3) for at in range(10)]
    grade = pages.grade(pictures=(pages.confusion_picture(), *pages.fitting_pictures()))
    return render(
        grade,
        title="The lab",
        notebook=pages.stored(given),
        photos=pages.DrawnPhotos(),
        own=pages.own_pictures(),
    )


def test_a_page_with_every_picture_and_many_plots_stays_small() -> None:
    html = page_of_the_labs()

    assert len(html) < 2_000_000
    assert html.count("<figure") == 5
    assert "could not be drawn" not in html
    assert "was left out" not in html
    assert html.count('src="data:image/jpeg;base64,') == 5 * 2 * 2 + 10 * 3  # the plots were made smaller
    assert "left out here" not in html


def test_each_picture_says_what_is_to_be_seen() -> None:
    text = words(page_of_the_labs())

    assert "a pixel that is grey was not changed" in text
    assert "Without the variation term many tiny patterns satisfy the network" in text
    assert "Early layers answer to edges and colours" in text
    assert "the black mark is the required value" in text


def test_a_picture_can_be_read_instead_of_seen() -> None:
    html = page_of_the_labs()

    assert html.count("<summary>The same as a table</summary>") == 5
    assert '<th scope="row">stripes</th><td>0.2500, needed 0.5000: wrong.</td>' in html
    assert re.search(r'alt="The variation\. [^"]*stripes: 0\.2500, needed 0\.5000: wrong\.', html)
    assert re.search(r'alt="Who is taken for whom\. [^"]* taken for [^"]*: 1 of 6\.', html)


def test_a_picture_without_room_costs_only_the_picture() -> None:
    html = page(pictures=pages.fitting_pictures() * 3)

    assert len(html) < 2_000_000
    assert "This picture was left out: the page would be too large. It has no part in your points." in words(
        html
    )
    assert html.count("data:image/svg+xml,") >= 4


def test_a_page_of_a_hostile_flood_stays_small() -> None:
    flood = nbformat.v4.new_output("stream", name="stdout", text='<"' * 45_000)
    cells = [nbformat.v4.new_code_cell("<" * 5_000, outputs=[flood] * 2) for _ in range(25)]
    cells += [nbformat.v4.new_code_cell("") for _ in range(800)]
    failed = tuple(FailedCell(at, at + 1, None, "E" * 100, Message("<" * 500)) for at in range(800))
    grade = pages.grade(pictures=pages.fitting_pictures(), failed_cells=failed)

    html = render(
        grade,
        title="The lab",
        notebook=pages.stored(nbformat.v4.new_notebook(cells=cells)),
        own=pages.own_pictures(),
    )

    assert len(html) < 2_000_000
    assert "425 more cells left out here" in words(html)
    assert "and 750 more" in words(html)


def test_a_bare_grade_makes_a_page() -> None:
    html = page(
        exercises=(),
        checks=(),
        failed_cells=(),
        pictures=(),
        notices=(),
        repairs=(),
        seconds=Seconds(),
        provenance={},
    )

    assert "No exercise was judged." in html


def test_a_check_without_numbers_says_so() -> None:
    bare = (Check("a_b", "x", Status.ERROR, 0, 0),)

    text = words(page(exercises=(ExerciseGrade("x", Status.ERROR, 0, 5),), checks=bare))

    assert "a b ! Course staff will look at it Nothing could be measured." in text


def test_the_structure_can_be_walked_without_eyes() -> None:
    html = whole_page()

    assert '<html lang="en" dir="ltr">' in html
    assert all(html.count(f"<{tag}") >= 1 for tag in ("header", "nav", "main", "footer"))
    assert html.count("<h1>") == 1
    assert not re.search(r"<img(?![^>]*alt=)", html)
    assert 'scope="col"' in html
    assert 'scope="row"' in html


@pytest.mark.parametrize(
    ("value", "text"), [(60.0, "60"), (67.5, "67.5"), (1 / 3, "0.33"), (0, "0"), (100, "100")]
)
def test_points_are_written_as_people_write_them(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.042, "0.042 s"), (7.23, "7.2 s"), (48.2, "48 s"), (200, "3 min 20 s")]
)
def test_durations_are_written_as_people_write_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_writing_replaces_the_old_page_and_leaves_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "feedback" / "page.html"
    write_whole(target, "old")

    write_whole(target, "new é")

    assert target.read_text("utf-8") == "new é"
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    write_whole(target, "old")

    with pytest.raises(UnicodeEncodeError):
        write_whole(target, "\ud800")

    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert target.read_text("utf-8") == "old"


def test_half_a_character_in_a_name_can_be_written(tmp_path: Path) -> None:
    write_whole(
        tmp_path / "page.html", render(pages.grade(student="a\ud800b"), title="The lab", notebook=None)
    )

    assert "a\ufffdb" in (tmp_path / "page.html").read_text("utf-8")


def test_a_failing_page_begins_with_the_cause_its_cell_and_what_it_costs() -> None:
    html = page(status=Status.FAILED, failed_cells=())

    assert html.index('id="begin"') < html.index('id="results"')
    begin = words(html[html.index('id="begin"') : html.index('id="notices-title"')])
    assert "normalise" not in begin
    assert begin.startswith('id="begin" class="card begin" aria-labelledby="begin-title"> Begin here')
    assert "preprocess feeds the network what it was trained on" in begin
    assert "Found values from 0.00 to 1.00 Needed values from -0.99 to 1.00" in begin
    assert "10 points hang on it." in begin


def test_a_page_with_all_points_begins_with_nothing() -> None:
    full = (ExerciseGrade("split", Status.PASSED, 10, 10, "A split"),)

    html = page(exercises=full, checks=pages.grade().checks[:2], failed_cells=())

    assert 'id="begin"' not in html
    assert "Begin here" not in html


def test_what_passed_is_folded_and_comes_after_what_did_not() -> None:
    html = page()
    cards = re.findall(r'<(details|article) class="card exercise (\w+)"', html)

    assert cards == [
        ("article", "failed"),
        ("article", "partial"),
        ("article", "skipped"),
        ("article", "error"),
        ("details", "passed"),
    ]


def test_the_contents_name_each_exercise_in_its_order_with_its_status_in_words() -> None:
    html = page()
    contents = html[html.index('<nav class="contents"') :].split("</nav>")[0]
    text = words(contents)

    assert re.findall(r'href="#(exercise-\d)"', contents) == [f"exercise-{number}" for number in range(1, 6)]
    assert all(f'id="exercise-{number}"' in html for number in range(1, 6))
    assert "A split without leakage ✓ Full points 10 / 10 points Pixels as the network" in text
    assert "Name the breed ◐ Part of the points 22.5 / 30 points" in text


def test_each_measure_has_a_row_with_its_name() -> None:
    accuracy = Message("{what} {value:.3f} (50 of 85)", what=Message.of("top-1 accuracy"), value=0.588)
    count = Message("{what}: as required", what=Message.of("photos without an answer"))
    check = replace(
        pages.grade().checks[3],
        measured=joined([accuracy, count]),
        required=joined([Message.of("at least 0.72"), Message.of("at most 0")]),
    )

    html = page(checks=(check,))

    rows = [words(row) for row in re.findall(r'<tr class="measure">.*?</tr>', html, re.DOTALL)]
    assert rows == [
        "top-1 accuracy 0.588 (50 of 85) at least 0.72",
        "photos without an answer as required at most 0",
    ]


def test_what_stands_in_backticks_is_code_and_stays_harmless() -> None:
    check = replace(pages.grade().checks[2], hint=Message.of("Use `np.asarray(<b>)`, not `list`."))

    html = page(checks=(check,))

    assert "Use <code>np.asarray(&lt;b&gt;)</code>, not <code>list</code>." in html


def test_the_head_says_when_it_was_handed_in_and_which_attempt_it_is() -> None:
    handed_in = HandedIn("2025-03-13 18:00 UTC", Message("Scored attempt 1 of 5."))
    html = render(pages.grade(pictures=()), title="The lab", notebook=None, handed_in=handed_in)
    head = words(html[html.index("<header") :].split("</header>")[0])

    assert "Student student01 Assignment oxford_pets Handed in 2025-03-13 18:00 UTC" in head
    assert "Graded 2025-03-14 09:26 Attempt Scored attempt 1 of 5." in head


def test_a_comment_stands_at_its_cell_as_markdown_and_runs_nothing() -> None:
    comment = ManualComment("breeds", "Answer", 8, 10, "**Good**, see `topk`.\n\n# Then\n<script>x</script>")

    html = render(
        pages.grade(pictures=()),
        title="The lab",
        notebook=pages.stored(pages.notebook()),
        manual=[comment],
        handed_in=HandedIn(comments={"other": "never shown: no such cell"}),
    )

    cell = html[html.index('id="cell-5"') :]
    assert "Comment of your teachers" in words(cell)
    assert html.count("<strong>Good</strong>, see <code>topk</code>.") == 2  # at the cell, and in its card
    assert "<p><strong>Then</strong></p>" in html
    assert "<script" not in html
    assert "never shown" not in html


def test_a_notice_that_says_no_more_than_the_beginning_is_left_out() -> None:
    first, second = pages.grade().failed_cells[0], replace(pages.grade().failed_cells[0], index=5, number=3)
    notices = on_failed_cells((first, second))

    html = page(notices=tuple(notices), failed_cells=(first, second))

    assert [str(notice)[:19] for notice in notices] == ["Cell 2 failed first"]
    assert "failed first" not in html
    assert "name &#39;backbone&#39; is not defined" in html
