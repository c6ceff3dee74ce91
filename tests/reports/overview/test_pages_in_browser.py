"""The overview in a real browser: it fits the window, in light and dark, and axe-core finds no fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.assignment.course import Course
from grader.reports.overview import pages
from grader.reports.overview.pages import write_overview
from grader.settings import load
from tests.support.axe import violations
from tests.support.marks import exported_course

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the dev extra's playwright")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium at /usr/bin/chromium"),
]
QUIET = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course: Course = exported_course(tmp_path_factory.mktemp("course"))
    students = ["student01", "student02", "student04", "student05"]
    for student in students:
        path = pages.page_of(course, student, "toy")
        path.parent.mkdir(parents=True)
        path.write_text("page")
    write_overview(course, load(None, {}), {"toy": students})
    return course.folder / "feedback"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=[*QUIET, "--disable-sync", "--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "student01/index.html"])
def test_the_pages_fit_the_window_and_axe_finds_no_fault(
    browser: Any, folder: Path, name: str, scheme: str
) -> None:
    # The content security policy keeps axe itself out, too.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto((folder / name).as_uri())
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
    context.close()


def test_a_printed_overview_has_the_tables_that_are_folded(browser: Any, folder: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto((folder / "index.html").as_uri())

    assert not page.locator("figure table").is_visible()
    page.emulate_media(media="print")
    assert page.locator("figure table").is_visible()
    assert not page.locator("nav").is_visible()
    context.close()
