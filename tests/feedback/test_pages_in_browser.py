"""Hostile words in a real browser: nothing runs, nothing is loaded, nothing leaves the page."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from PIL import Image

from grader.checks.images import packed
from grader.feedback.drawings import COLUMNS, MARGIN, TILE
from grader.feedback.page import ManualComment, render
from grader.files import write_whole
from grader.notebooks.sanitise import sanitise_notebook
from grader.records import Picture
from tests.support import pages

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the dev extra's playwright")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium at /usr/bin/chromium"),
]
QUIET = ("--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update")
SPY = "window.pwn = () => console.error('PWNED');"
# Links to other files would end the visit before the next click; their scheme is looked at instead.
CLICK_ALL = """async () => {
  const links = [...document.querySelectorAll('a[href], area[href]')];
  const here = links.filter((link) => !/^(https?|file):/.test(link.href) || link.hash);
  for (const element of [...here, ...document.querySelectorAll('summary, button')]) {
    element.click();
    await new Promise((done) => setTimeout(done, 10));
  }
  return [...new Set(links.map((link) => link.protocol))];
}"""
HARMLESS = {"http:", "https:", "mailto:", "file:"}


class Visit:
    """What happened while a page was open."""

    def __init__(self, context: Any, path: Path) -> None:
        self.requests: list[str] = []
        self.console: list[str] = []
        self.dialogs: list[str] = []
        page = context.new_page()
        before = len(context.pages)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("dialog", self._dismiss)
        page.goto(path.as_uri(), wait_until="load")
        self.title = page.title()
        self.covered = page.evaluate(
            "document.elementFromPoint(40, 40).closest('header, main, nav') === null"
        )
        page.wait_for_timeout(300)  # autofocus, animations and refreshes come late
        self.seen = list(self.requests)
        self.schemes = set(page.evaluate(CLICK_ALL))
        page.wait_for_timeout(300)
        self.popups = len(context.pages) - before

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    @property
    def loaded(self) -> set[str]:
        """Addresses that were asked for before any click, but for the page itself and inline data."""
        return {url for url in self.seen[1:] if not url.startswith("data:")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=[*QUIET, "--disable-sync", "--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    context.route(re.compile(r"^(?!file:|data:)"), lambda route: route.abort())
    context.add_init_script(SPY)
    yield functools.partial(Visit, context)
    context.close()


def hostile_page() -> str:
    words = " ".join(pages.HOSTILE)
    return render(
        pages.hostile_grade(),
        title=words,
        notebook=pages.stored(pages.hostile_notebook()),
        photos=pages.DrawnPhotos(),
        manual=[ManualComment(words, words, 1, 2, words)],
    )


def exported(notebook: Any, template: str) -> str:
    from nbconvert import HTMLExporter

    html, _ = HTMLExporter(template_name=template).from_notebook_node(notebook)
    return str(html)


def assert_inert(seen: Visit) -> None:
    assert "PWNED" not in seen.console
    assert seen.dialogs == []
    assert seen.popups == 0
    assert seen.schemes <= HARMLESS


def test_a_hostile_submission_does_nothing_in_the_feedback_page(visit: Any, tmp_path: Path) -> None:
    write_whole(tmp_path / "page.html", hostile_page())

    seen = visit(tmp_path / "page.html")

    assert_inert(seen)
    assert (
        seen.console == []
    )  # not even a word of the content security policy: nothing was left for it to stop
    assert seen.loaded == set()
    assert all(url.startswith("file:") and "page.html" in url for url in seen.requests if url[:5] != "data:")
    assert not seen.covered


def test_the_page_is_safe_without_its_content_security_policy_too(visit: Any, tmp_path: Path) -> None:
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", hostile_page(), count=1)
    write_whole(tmp_path / "page.html", bare)

    seen = visit(tmp_path / "page.html")

    assert_inert(seen)
    assert seen.loaded == set()
    assert "Content-Security-Policy" not in bare


def test_the_title_of_the_page_is_words_only(visit: Any, tmp_path: Path) -> None:
    write_whole(tmp_path / "page.html", hostile_page())

    seen = visit(tmp_path / "page.html")

    assert seen.title.startswith("<script>pwn()</script> <img src=x onerror=pwn()>")


@pytest.mark.parametrize("template", ["lab", "classic", "basic"])
def test_a_hostile_notebook_does_nothing_after_nbconvert(visit: Any, tmp_path: Path, template: str) -> None:
    empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("nothing")])
    (tmp_path / "empty.html").write_text(exported(empty, template), "utf-8")
    html = exported(sanitise_notebook(pages.hostile_notebook()), template)
    (tmp_path / "page.html").write_text(html, "utf-8")

    own = visit(tmp_path / "empty.html")
    seen = visit(
        tmp_path / "page.html",
    )

    assert_inert(seen)
    assert seen.loaded == own.loaded  # the exporter's own libraries and nothing more


@pytest.mark.parametrize("words", [pages.HOSTILE[0], pages.HOSTILE[1], "[word](javascript&colon;pwn())"])
def test_the_spy_notices_what_the_sanitiser_prevents(visit: Any, tmp_path: Path, words: str) -> None:
    html = exported(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(words)]), "classic")
    (tmp_path / "page.html").write_text(html, "utf-8")

    seen = visit(tmp_path / "page.html")

    assert "PWNED" in seen.console


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_the_window(browser: Any, tmp_path: Path, width: int, scheme: str) -> None:
    write_whole(
        tmp_path / "page.html",
        render(pages.grade(), title="The lab", notebook=pages.stored(pages.notebook())),
    )
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()

    page.goto((tmp_path / "page.html").as_uri())

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_links_lead_to_cells_that_are_there(browser: Any, tmp_path: Path) -> None:
    write_whole(
        tmp_path / "page.html",
        render(pages.grade(pictures=()), title="The lab", notebook=pages.stored(pages.notebook())),
    )
    context = browser.new_context()
    page = context.new_page()

    page.goto((tmp_path / "page.html").as_uri())
    page.locator("#failed").get_by_role("link", name="images = lab.images").click()

    assert page.url.endswith("#cell-4")
    assert page.locator("#cell-4").is_visible()
    assert "NameError" in page.locator("#cell-4").inner_text()
    context.close()


def test_a_browser_shows_every_picture_and_the_difference_pixel_by_pixel(
    browser: Any, tmp_path: Path
) -> None:
    row = pages.attack_row(target=" ".join(pages.HOSTILE))
    picture = Picture("attacks", "An attack", packed({"rows": [row]}))
    grade = pages.grade(pictures=(picture, *pages.fitting_pictures()))
    html = render(grade, title="The lab", notebook=None, own=pages.own_pictures())
    write_whole(tmp_path / "page.html", html)
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    page = context.new_page()

    page.goto((tmp_path / "page.html").as_uri())
    seen = page.locator("figure[data-kind=attacks] img").first
    # Text above it may end at a fraction of a pixel, and then every pixel of it is a mixture of two.
    seen.evaluate("(image) => image.setAttribute('style', 'position: fixed; left: 0; top: 0')")
    shot = np.asarray(Image.open(io.BytesIO(seen.screenshot())).convert("RGB"))

    assert page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth > 700)")
    expected = np.clip(128 + 16 * (row["adversarial"].astype(int) - row["photo"]), 0, 255)
    top = MARGIN + 48
    assert np.array_equal(shot[top : top + TILE, COLUMNS[2] : COLUMNS[2] + TILE], expected)
    context.close()
