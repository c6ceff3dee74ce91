"""Makes the pictures of README and docs: `make demo && make docs`, or `python docs/make_pictures.py NAME...` for some.

Those of feedback pages need a finished demo and Debian's chromium; the others (`--drawn`) need neither. Only drawn pets and cells, the
CC0 cat and three CC0 photos of textures are in them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import sys
import tomllib
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
from grader.datasets import kinds, toypets
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
    for number, pet in enumerate(pets[:12]):
        sheet.paste(pet, (number % 6 * 150, number // 6 * 150))
    sheet.save(PICTURES / "toy_pets.jpg", quality=88)


def statements() -> None:
    """Draw the intervals of the twelve statements, as the source notebook of the training tricks does."""
    from scipy import stats

    names: dict[str, Any] = {"np": np, "torch": torch, "functional": torch.nn.functional, "plt": plt}
    names |= {"stats": stats, "lab": lab, "seed": 0}
    notebook = nbformat.read(packaged_course().source("training_tricks") / "training_tricks.ipynb", 4)
    sources = {cell.id: cell.source for cell in code_cells(notebook)}
    shows, plt.show = plt.show, lambda: None  # what the cells draw stays open
    with contextlib.redirect_stdout(io.StringIO()):
        for name in CELLS_OF_STATEMENTS:
            exec(compile(sources[name], name, "exec"), names)  # noqa: S102 - our own notebook
    plt.show = shows
    content = io.BytesIO()
    plt.gcf().savefig(content, format="png", dpi=100, bbox_inches="tight")
    plt.close("all")
    picture = Image.open(content).convert("RGB")
    palette = picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=32)
    palette.save(PICTURES / "statements.png", optimize=True)


def nine_of_each_kind() -> dict[str, list[Any]]:
    """Draw nine pets, textures and cells, uint8 `[h, w, 3]` each, those of one class side by side."""
    rng = np.random.default_rng(4)
    is_cat = np.array([name in toypets.CATS for name in sorted(toypets.BREEDS)])
    breeds = [*np.flatnonzero(is_cat)[::2][:5], *np.flatnonzero(~is_cat)[::6][:4]]
    pets = np.stack([toypets.draw(int(breed), rng) for breed in breeds])
    pictures: dict[str, list[Any]] = {"pets": list(kinds.half_size(pets))}
    for kind in kinds.DRAWN:
        photos = kinds.draw_kind(kind, (3, 3, 3), rng)
        pictures[kind] = list(photos.images[np.argsort(photos.labels, kind="stable")])
    return pictures


def kinds_and_curves() -> None:
    """Draw nine pictures of each kind of `new_images`, and below them the learning curves that its reference measured."""
    pictures = nine_of_each_kind()
    reference = packaged_course().source("new_images") / "staff" / "reference.toml"
    curves = tomllib.loads(reference.read_text(encoding="utf-8"))
    panels = [
        ("drawn pets", "toy_pets", 2),
        ("real pets", "oxford_pets", 2),
        ("textures", "textures", 3),
        ("cells", "cells", 3),
    ]
    figure = plt.figure(figsize=(10, 6.6), dpi=100, layout="constrained")
    grid, below = figure.subfigures(2, 1, height_ratios=(3.4, 3))
    for axis, picture in zip(
        grid.subplots(3, 9).flat, [picture for row in pictures.values() for picture in row], strict=True
    ):
        axis.imshow(picture)
        axis.axis("off")
    sizes = (2, 5, 10, 20)
    axes = below.subplots(1, len(panels), sharey=True)
    for axis, (title, name, classes) in zip(axes, panels, strict=True):
        for label, accuracies, colour in zip(
            ("untrained", "borrowed"), curves[name], ("tab:orange", "tab:blue"), strict=True
        ):
            axis.plot(sizes, accuracies, marker="o", color=colour, label=label)
        axis.axhline(1 / classes, color="grey", linestyle=":", label="guessing")
        axis.set(title=title, xscale="log", xlabel="training pictures of each class", ylim=(0.25, 1.02))
        axis.set_xticks(sizes, [str(size) for size in sizes])
        axis.minorticks_off()
    axes[0].set_ylabel("accuracy on new pictures")
    axes[0].legend(fontsize=8, loc="upper left")
    figure.savefig(PICTURES / "new_images.jpg", pil_kwargs={"quality": 82, "optimize": True})
    plt.close(figure)


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
    for cell in ("activations-code", "maps-code"):
        exec(compile(cells[cell].replace("plt.show()", ""), cell, "exec"), names)  # noqa: S102 - our own notebook
    plt.savefig(PICTURES / "map_strip.jpg", dpi=100, pil_kwargs={"quality": 80})
    plt.close()


DRAWN = {
    "toy_pets.jpg": contact_sheet,
    "statements.png": statements,
    "new_images.jpg": kinds_and_curves,
    "map_strip.jpg": map_strip,
}


def main() -> None:
    """Make them all, or those that are named; exits before the first when a page of the demo is missing."""
    mpl.use("agg")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = [*DRAWN, *(shot.name for shot in SHOTS)]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(every))
    parser.add_argument("--drawn", action="store_true", help="those that need neither demo nor browser")
    arguments = parser.parse_args()
    chosen = arguments.names or (list(DRAWN) if arguments.drawn else every)
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
    for name in sorted(DRAWN.keys() & set(chosen)):
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
