"""Pages for everybody: what axe-core finds, keyboard, narrow windows, print, and people who want no motion."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.feedback.page import HandedIn, ManualComment, render
from grader.files import write_whole
from grader.messages import Message
from grader.records import ExerciseGrade, FailedCell, Status
from tests.support import pages
from tests.support.axe import violations

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the dev extra's playwright")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium at /usr/bin/chromium"),
]
COMMENT = ManualComment("reflection", "Reflection", 8, 10, "**Good.**\n\n# More\n\nSee `topk`.")
UNFOLD = "document.querySelectorAll('details').forEach((part) => { part.open = true })"


def notebook() -> Any:
    """Return an executed notebook with long outputs, odd headings, and a section where there is nothing to do."""
    v4 = nbformat.v4
    given = pages.notebook()
    table = "<table><tr><th></th><th>a</th></tr>" + "<tr><td>1</td><td>2</td></tr>" * 40 + "</table>"
    given.cells[1].outputs += [
        v4.new_output("stream", name="stdout", text="epoch\n" * 300),
        v4.new_output("display_data", {"text/html": f"<h1>A table</h1>{table}", "text/plain": "x"}),
    ]
    given.cells += [
        v4.new_markdown_cell("### Folded\n\n###### Far below\n\nA [link](https://example.org) and `code`."),
        v4.new_code_cell(f"x = {'1 + ' * 80}1  # long", outputs=[v4.new_output("stream", text="ok " * 200)]),
    ]
    return given


def passed() -> str:
    exercises = tuple(
        replace(exercise, status=Status.PASSED, points=exercise.max_points)
        for exercise in pages.grade().exercises
    )
    checks = tuple(
        replace(check, status=Status.PASSED, points=check.max_points, hint=Message(""))
        for check in pages.grade().checks
    )
    grade = pages.grade(
        exercises=exercises,
        checks=checks,
        failed_cells=(),
        pictures=(pages.confusion_picture(), *pages.fitting_pictures()),
    )
    return _page(grade, photos=pages.DrawnPhotos())


def failed() -> str:
    return _page(pages.grade(status=Status.FAILED, passed=False))


def crashed() -> str:
    error = FailedCell(4, 2, "model", "NameError", Message("name 'backbone' is not defined"))
    exercises = (ExerciseGrade("breeds", Status.FAILED, 0, 30, "Name the breed"),)
    return _page(pages.grade(status=Status.FAILED, exercises=exercises, failed_cells=(error,) * 3))


def _page(grade: Any, **more: Any) -> str:
    return render(
        grade,
        title="The lab",
        notebook=pages.stored(notebook()),
        own=pages.own_pictures(),
        manual=[COMMENT],
        pass_points=60,
        entry_points=["preprocess"],
        handed_in=HandedIn(
            "2025-03-13 18:00 UTC", Message("Scored attempt 1 of 5."), {"breeds": "Look at *this*."}
        ),
        **more,
    )


PAGES = {"passed": passed, "failed": failed, "crashed": crashed}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    paths = {name: folder / f"{name}.html" for name in PAGES}
    for name, path in paths.items():
        write_whole(path, PAGES[name]())
    return paths


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    arguments = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--no-sandbox"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    contexts = []

    def open_page(path: Path, width: int = 1000, **options: Any) -> Any:
        # The page forbids scripts; what looks at it is one.
        context = browser.new_context(
            viewport={"width": width, "height": 800}, bypass_csp=True, reduced_motion="reduce", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("name", "scheme"), [*itertools.product(PAGES, ["light", "dark"])])
def test_axe_finds_nothing(opened: Any, files: dict[str, Path], name: str, scheme: str) -> None:
    page = opened(files[name], color_scheme=scheme)

    folded = violations(page)
    page.evaluate(UNFOLD)

    assert folded == []
    assert violations(page) == []


def test_axe_would_find_faults(opened: Any, files: dict[str, Path]) -> None:
    page = opened(files["failed"])
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<h6>x</h6><img src=\"data:,\">'"
        " + '<p style=\"color: #ccc; background: #fff\">pale</p>'"
        " + '<button style=\"padding: 0; width: 9px; height: 9px\">a</button>'.repeat(2))"
    )

    rules = {line.split(":")[0] for line in violations(page)}

    assert {"heading-order", "image-alt", "color-contrast", "target-size"} <= rules


@pytest.mark.parametrize("name", PAGES)
def test_the_page_reflows_at_320_pixels(opened: Any, files: dict[str, Path], name: str) -> None:
    page = opened(files[name], 320)
    page.evaluate(UNFOLD)

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    # Only pictures and tables may be wider than the window, inside a part that scrolls.
    wide = """() => [...document.querySelectorAll('main *')].filter((element) =>
      element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX === 'auto'
      && !element.querySelector('table, img')).map((element) => element.outerHTML.slice(0, 200))"""
    assert page.evaluate(wide) == []


def test_the_keyboard_reaches_every_link_and_the_focus_is_seen(opened: Any, files: dict[str, Path]) -> None:
    page = opened(files["failed"])
    page.evaluate(UNFOLD)
    total = page.evaluate(
        "[...document.querySelectorAll('a[href], summary, [tabindex=\"0\"]')]"
        ".map((element, place) => element.setAttribute('data-place', place)).length"
    )
    places, outlines = [], []
    for _ in range(total):
        page.keyboard.press("Tab")
        place, outline = page.evaluate(
            "[document.activeElement.dataset.place, getComputedStyle(document.activeElement).outlineStyle]"
        )
        places.append(int(place))
        outlines.append(outline)

    assert total > 20
    assert places == list(range(total))
    assert set(outlines) == {"solid"}


@pytest.mark.parametrize("name", PAGES)
def test_headings_are_in_order(opened: Any, files: dict[str, Path], name: str) -> None:
    page = opened(files[name])

    levels = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map((one) => Number(one.tagName[1]))"
    )

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))


def test_every_figure_has_words_with_numbers_and_a_table(opened: Any, files: dict[str, Path]) -> None:
    page = opened(files["passed"])

    figures = page.locator("figure").all()

    assert len(figures) == 5
    for figure in figures:
        assert re.search(r"\d", figure.locator("img").first.get_attribute("alt"))
        assert figure.locator("details table tbody tr").count() > 0
        assert figure.locator("details table caption").count() == 1


@pytest.mark.parametrize(("motion", "behaviour"), [("reduce", "auto"), ("no-preference", "smooth")])
def test_nothing_moves_for_those_who_want_no_motion(
    browser: Any, files: dict[str, Path], motion: str, behaviour: str
) -> None:
    context = browser.new_context(reduced_motion=motion)
    page = context.new_page()
    page.goto(files["failed"].as_uri())

    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behaviour
    assert page.evaluate("document.getAnimations().length") == 0
    context.close()


def pdf_pages(content: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", content))


def test_a_printed_page_has_all_that_is_folded(opened: Any, files: dict[str, Path]) -> None:
    page = opened(files["failed"])
    page.emulate_media(media="print")
    folded = "[...document.querySelectorAll('details:not([open]) > :not(summary)')]"
    number = page.evaluate(f"{folded}.length")
    seen = page.evaluate(
        f"{folded}.filter((part) => part.checkVisibility() && part.getBoundingClientRect().height > 0).length"
    )
    closed = pdf_pages(page.pdf(format="A4"))
    page.evaluate(UNFOLD)

    assert number > 3
    assert seen == number
    assert pdf_pages(page.pdf(format="A4")) == closed


def test_a_link_opens_what_is_folded(opened: Any, files: dict[str, Path]) -> None:
    page = opened(files["passed"])
    folded = page.locator("#cell-7").is_visible()

    page.goto(f"{files['passed'].as_uri()}#cell-7")

    assert not folded
    assert page.locator("#cell-7").is_visible()
