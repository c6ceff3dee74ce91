"""The overview in a real browser: it fits the window, in light and dark, and axe-core finds no fault."""

from __future__ import annotations

import dataclasses
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from grader.assignment.course import Course
from grader.gradebook import attempts
from grader.reports.overview import pages
from grader.reports.overview.pages import write_overview
from grader.settings import load
from tests.support.axe import violations
from tests.support.marks import exported_course
from tests.support.notebooks import toy_grade

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
    # A second assignment, so that landmarks of the two can be mistaken for each other.
    solutions = course.folder / "solutions"
    shutil.copytree(solutions / "toy", solutions / "other")
    text = (solutions / "toy" / "assignment.toml").read_text()
    (solutions / "other" / "assignment.toml").write_text(
        text.replace('id = "toy"', 'id = "other"').replace("A toy", "Another")
    )
    for student in ("student01", "student02"):
        grade = dataclasses.replace(toy_grade(student), assignment="other")
        attempts.write(course.folder, grade, submitted={}, executed={}, answers={})
        attempts.set_current(course.folder, grade)
        path = pages.page_of(course, student, "other")
        path.parent.mkdir(parents=True)
        path.write_text("page")
    students = ["student01", "student02", "student04", "student05"]
    for student in students:
        path = pages.page_of(course, student, "toy")
        path.parent.mkdir(parents=True)
        path.write_text("page")
    write_overview(course, load(None, {}), {"toy": students, "other": ["student01", "student02"]})
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

    assert not page.locator("figure table").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator("figure table").first.is_visible()
    assert not page.locator("nav").is_visible()
    context.close()


def edges(page: Any, table: Any) -> list[float]:
    """Return how far the colours along the left and the right edge of a scrolling part are from its background's."""
    box = table.bounding_box()
    picture = Image.open(io.BytesIO(page.screenshot(clip=box))).convert("RGB")
    pixels = np.asarray(picture).astype(float)
    # Below the rounded corners and the border; of all rows the usual one, since words reach the edge in some.
    column = [np.median(pixels[20:-20, at], axis=0) for at in (2, -3)]
    paper = page.evaluate("getComputedStyle(document.querySelector('.scroll')).backgroundColor")
    return [float(np.abs(edge - [int(n) for n in re.findall(r"\d+", paper)[:3]]).max()) for edge in column]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_table_that_goes_on_has_a_shadow_at_that_edge(browser: Any, folder: Path, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto((folder / "index.html").as_uri())
    table = page.locator(".scroll").first
    table.scroll_into_view_if_needed()

    begin = edges(page, table)
    table.evaluate("part => { part.scrollLeft = part.scrollWidth; }")
    end = edges(page, table)
    page.set_viewport_size({"width": 1280, "height": 800})
    whole = edges(page, table)
    page.emulate_media(media="print", color_scheme=scheme)
    printed = table.evaluate("part => getComputedStyle(part).backgroundImage")
    context.close()

    assert (begin[0] < 3, begin[1] > 25) == (True, True), begin
    assert (end[0] > 25, end[1] < 3) == (True, True), end
    assert max(whole) < 3
    assert printed == "none"
