"""Makes the pictures of the README from a finished demo: `make demo && make docs`. Needs Debian's chromium.

Only drawn pets and the CC0 cat are in them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from grader import toypets

PICTURES = Path(__file__).resolve().parent / "pictures"
PAGE = "pawgrade-demo/feedback/{student}/oxford_pets/oxford_pets.html"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]


def shoot(student: str, name: str, *, selector: str | None, height: int) -> None:
    """Take a picture of a feedback page's head, or of the part that `selector` names."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        page = browser.new_page(viewport={"width": 1000, "height": height})
        page.goto(Path(PAGE.format(student=student)).resolve().as_uri())
        target = PICTURES / name
        if selector:
            page.locator(selector).first.screenshot(path=target)
        else:
            page.screenshot(path=target)
        browser.close()
    Image.open(target).convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(target, optimize=True)


def contact_sheet() -> None:
    """Draw twelve toy pets."""
    rng = np.random.default_rng(7)
    pets = [Image.fromarray(toypets.draw(breed, rng)).resize((150, 150)) for breed in range(0, 35, 3)]
    sheet = Image.new("RGB", (6 * 150, 2 * 150))
    for place, pet in enumerate(pets[:12]):
        sheet.paste(pet, (place % 6 * 150, place // 6 * 150))
    sheet.save(PICTURES / "toy_pets.jpg", quality=88)


def main() -> None:
    """Make them all."""
    PICTURES.mkdir(exist_ok=True)
    contact_sheet()
    shoot("student03", "feedback.png", selector=None, height=1000)
    shoot("student01", "confusion.png", selector="#pictures", height=2600)


if __name__ == "__main__":
    main()
