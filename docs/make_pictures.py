"""Makes the pictures of README and docs: `make demo && make docs`, or `python docs/make_pictures.py NAME...` for some.

Those of feedback pages need a finished demo and Debian's chromium; `toy_pets.jpg` and `map_strip.jpg` need neither. Only drawn
pets and the CC0 cat are in them.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import nbformat
import numpy as np
import torch
from matplotlib import pyplot as plt
from PIL import Image
from playwright.sync_api import sync_playwright

from grader import lab
from grader.assignment.course import packaged_course
from grader.datasets import toypets

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
    for number, pet in enumerate(pets[:12]):
        sheet.paste(pet, (number % 6 * 150, number // 6 * 150))
    sheet.save(PICTURES / "toy_pets.jpg", quality=88)


def map_strip() -> None:
    """Draw the maps of an early, a middle and a late layer beside the CC0 cat, by the cells of the lab on feature maps."""
    path = packaged_course().source("feature_maps") / "feature_maps.ipynb"
    cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    backbone = lab.backbone("efficientnet_lite0").freeze()
    names = {
        "np": np,
        "torch": torch,
        "plt": plt,
        "cat": lab.cat_photo(),
        "backbone": backbone,
        "seen": backbone,
    }
    names["LOOK"] = {
        "early": "bn1",
        "middle": "blocks.2",
        "late": "bn2",
    }  # as in the notebook where VGG-16 is not at hand
    mpl.use("agg")
    for cell in ("activations-code", "maps-code"):
        exec(compile(cells[cell].replace("plt.show()", ""), cell, "exec"), names)  # noqa: S102 - our own notebook
    plt.savefig(PICTURES / "map_strip.jpg", dpi=100, pil_kwargs={"quality": 80})
    plt.close()


DRAWN = {"toy_pets.jpg": contact_sheet, "map_strip.jpg": map_strip}


def main() -> None:
    """Make them all, or those that are named; exits before the first when a page of the demo is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = [*DRAWN, *(shot.name for shot in SHOTS)]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(every))
    chosen = parser.parse_args().names or every
    if unknown := set(chosen) - set(every):
        parser.error(
            f"expected names of pictures, found {', '.join(sorted(unknown))}; there are {', '.join(every)}"
        )
    shots = [shot for shot in SHOTS if shot.name in chosen]
    missing = [shot.page for shot in shots if not shot.page.is_file()]
    chromium = shutil.which("chromium")
    if missing:
        sys.exit(f"{missing[0]}: expected a page of the demo, found none; run `make demo` first.")
    if shots and chromium is None:
        sys.exit("chromium: expected Debian's browser on PATH, found none; apt-get install chromium.")
    PICTURES.mkdir(exist_ok=True)
    for name in DRAWN.keys() & chosen:
        DRAWN[name]()
    if not shots:
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        for shot in shots:
            shoot(shot, browser.new_page)
        browser.close()


if __name__ == "__main__":
    main()
