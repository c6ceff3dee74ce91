"""Makes the pictures of README and docs from a finished demo: `make demo && make docs`. Needs Debian's chromium.

Only drawn pets and the CC0 cat are in them. `python docs/make_pictures.py --drawn` makes those that need neither demo nor browser.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from grader import lab
from grader.assignment.course import packaged_course
from grader.datasets import toypets
from grader.notebooks.cells import code_cells

PICTURES = Path(__file__).resolve().parent / "pictures"
DEMO = Path("pawgrade-demo")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]


@dataclass(frozen=True)
class Shot:
    """A picture of a feedback page.

    Attributes:
        name: of the file; `.png` is stored with 128 colours, `.jpg` is for pages that show photos.
        student: whose page.
        assignment: id of the assignment.
        selector: part of the page to show; the page's head when empty.
        height: of the window, in pixels.
    """

    name: str
    student: str
    assignment: str
    selector: str = ""
    height: int = 1000

    @property
    def page(self) -> Path:
        """The page in the demo's folder."""
        return DEMO / "feedback" / self.student / self.assignment / f"{self.assignment}.html"


# Cells of the training tricks that its last picture takes.
CELLS_OF_STATEMENTS = (
    "data-load",
    "train-code",
    "guess-code",
    "compare-code",
    "results-code",
    "report-code",
    "report-picture",
)
SHOTS = (
    Shot("feedback.png", "student03", "oxford_pets"),
    Shot("confusion.png", "student01", "oxford_pets", "#pictures", 2600),
    Shot("attacks.jpg", "student01", "adversarial_cat", "figure[data-kind=attacks]", 1800),
    Shot("ideal_images.jpg", "student01", "adversarial_cat", "figure[data-kind=ideal_images]", 1400),
    Shot("feature_maps.jpg", "student01", "transfer_learning", "figure[data-kind=feature_maps]", 1400),
)


def shoot(shot: Shot, open_page: Callable[..., Any]) -> None:
    """Take one picture; exits when the demo's page does not have it."""
    page = open_page(viewport={"width": 1000, "height": shot.height})
    page.goto(shot.page.resolve().as_uri())
    if shot.selector and not page.locator(shot.selector).count():
        sys.exit(f"{shot.page}: expected an element {shot.selector} on the page for {shot.name}, found none.")
    content = page.locator(shot.selector).first.screenshot() if shot.selector else page.screenshot()
    page.close()
    picture, target = Image.open(io.BytesIO(content)).convert("RGB"), PICTURES / shot.name
    if target.suffix == ".jpg":
        picture.save(target, quality=88, subsampling=0)
    else:
        picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(target, optimize=True)


def contact_sheet() -> None:
    """Draw twelve toy pets."""
    rng = np.random.default_rng(7)
    pets = [Image.fromarray(toypets.draw(breed, rng)).resize((150, 150)) for breed in range(0, 35, 3)]
    sheet = Image.new("RGB", (6 * 150, 2 * 150))
    for place, pet in enumerate(pets[:12]):
        sheet.paste(pet, (place % 6 * 150, place // 6 * 150))
    sheet.save(PICTURES / "toy_pets.jpg", quality=88)


def statements() -> None:
    """Draw the intervals of the twelve statements, as the source notebook of the training tricks does."""
    import matplotlib as mpl

    mpl.use("agg")
    import torch
    from matplotlib import pyplot
    from scipy import stats

    names: dict[str, Any] = {"np": np, "torch": torch, "functional": torch.nn.functional, "plt": pyplot}
    names |= {"stats": stats, "lab": lab, "seed": 0}
    notebook = nbformat.read(packaged_course().source("training_tricks") / "training_tricks.ipynb", 4)
    sources = {cell.id: cell.source for cell in code_cells(notebook)}
    shows, pyplot.show = pyplot.show, lambda: None  # what the cells draw stays open
    with contextlib.redirect_stdout(io.StringIO()):
        for name in CELLS_OF_STATEMENTS:
            exec(compile(sources[name], name, "exec"), names)  # noqa: S102 - our own notebook
    pyplot.show = shows
    content = io.BytesIO()
    pyplot.gcf().savefig(content, format="png", dpi=100, bbox_inches="tight")
    pyplot.close("all")
    picture = Image.open(content).convert("RGB")
    palette = picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=32)
    palette.save(PICTURES / "statements.png", optimize=True)


def main() -> None:
    """Make them all; exits before the first when a page of the demo is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--drawn", action="store_true", help="only those that need neither demo nor browser")
    if parser.parse_args().drawn:
        contact_sheet()
        statements()
        return
    missing = [shot.page for shot in SHOTS if not shot.page.is_file()]
    chromium = shutil.which("chromium")
    if missing:
        sys.exit(f"{missing[0]}: expected a page of the demo, found none; run `make demo` first.")
    if chromium is None:
        sys.exit("chromium: expected Debian's browser on PATH, found none; apt-get install chromium.")
    PICTURES.mkdir(exist_ok=True)
    contact_sheet()
    statements()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        for shot in SHOTS:
            shoot(shot, browser.new_page)
        browser.close()


if __name__ == "__main__":
    main()
