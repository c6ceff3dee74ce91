"""Toy pets: drawn cats and dogs of 35 make-believe breeds, the data set that needs no download.

What makes a breed is shape and texture: ears, muzzle, coat, markings, tail, build. Colours, light, background, size,
place, tilt and mirroring are drawn by lot, so that neither colours nor raw pixels give the breed away, while the
features of a network trained on photographs do. Who changes a drawing gives the data card a new seed: drawn sets are
kept by their seed.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from grader.datasets.toypets.anatomy import draw_pet
from grader.datasets.toypets.breeds import BREEDS, CATS, NAMES
from grader.datasets.toypets.strokes import BLACK, WHITE, Brush, Colour, mix, palette
from grader.errors import SpecError

__all__ = ["SIDE_PX", "draw", "file_names", "write_toy_pets"]

SIDE_PX = 256  # what photos are shrunk to; their readers crop 224 of it


def draw(breed_index: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw one toy pet.

    Args:
        breed_index: position in the sorted names of `BREEDS`.
        rng: decides everything that does not make the breed.

    Returns:
        uint8 RGB `[256, 256, 3]`.
    """
    name = sorted(BREEDS)[breed_index]
    breed = BREEDS[name]
    # The order of the draws decides the picture: who changes it gives the data card a new seed.
    picture = _background(rng)
    colours = palette(rng)
    brush = Brush(picture, mix(colours.fur, BLACK, 0.78), rng)
    draw_pet(brush, breed, colours, is_cat=name in CATS, rng=rng)
    _foreground(picture, colours.toy, rng)
    return _photographed(picture, rng)


def file_names(per_class: int) -> tuple[str, ...]:
    """Return the official-looking file names of a set: one official breed name for each of the 35.

    Args:
        per_class: pictures a breed, at least 1.
    """
    if per_class < 1:
        raise SpecError(f"toy pets: expected at least 1 picture a breed, found {per_class}.")
    return tuple(f"{name}_{number}.jpg" for name in NAMES for number in range(1, per_class + 1))


def write_toy_pets(folder: Path, per_class: int, seed: int) -> Path:
    """Draw a set into `folder/images/*.jpg`, unless it is there; return `folder`.

    Args:
        folder: appears whole or not at all.
        per_class: pictures a breed.
        seed: the same seed draws the same pictures.
    """
    if (folder / "images").is_dir():
        return folder
    names = file_names(per_class)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder, since a rename does not cross disks.
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    scratch.chmod(0o755)  # mkdtemp's own mode shuts out the sandbox's user
    try:
        (scratch / "images").mkdir()
        for name in names:
            _save(scratch / "images" / name, seed)
        scratch.rename(folder)
    except OSError:
        if not (folder / "images").is_dir():  # else another process was faster, with the same pictures
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _save(path: Path, seed: int) -> None:
    name, _, number_text = path.stem.rpartition("_")
    label, number = sorted(BREEDS).index(name.lower().partition("_")[0]), int(number_text)
    # A generator for each picture: it looks the same however many a breed has.
    rng = np.random.default_rng([seed, label, number])
    # JPEG of unequal quality, like photos found on the web: a network reads its traces on flat colours.
    Image.fromarray(draw(label, rng)).save(path, quality=int(rng.integers(80, 96)))


def _background(rng: np.random.Generator) -> Image.Image:
    """Paint a background that says nothing of the breed, at twice the final size: wall, floor, soft blots."""
    side = 2 * SIDE_PX
    # Two colours for the room, two for the blots in it.
    wall, floor, *blots = (_any_colour(rng) for _ in range(4))
    picture = Image.new("RGB", (side, side), wall)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, int(side * rng.uniform(0.55, 0.85)), side, side), fill=floor)
    for colour in blots:
        for _ in range(int(rng.integers(0, 4))):
            x, y = rng.uniform(0, side, 2)
            rx, ry = rng.uniform(15, 90, 2)
            shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
            shape((x - rx, y - ry, x + rx, y + ry), fill=colour)
    small = picture.reduce(2).filter(ImageFilter.BoxBlur(float(rng.uniform(1.5, 4))))
    return small.resize((side, side))


def _foreground(picture: Image.Image, colour: Colour, rng: np.random.Generator) -> None:
    """Put a ball and some grass before the pet, so that no single part is always to be seen."""
    side = picture.width
    pen = ImageDraw.Draw(picture)
    if rng.random() < 0.3:
        x, y, radius = (
            side * rng.uniform(0.1, 0.9),
            side * rng.uniform(0.45, 0.9),
            side * rng.uniform(0.05, 0.13),
        )
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline=BLACK, width=4)
        pen.chord((x - radius, y - radius, x + radius, y + radius), 200, 320, fill=mix(colour, WHITE, 0.6))
    # Up to 59 blades of grass, all of one colour.
    green, reach = _any_colour(rng), side * rng.uniform(0, 0.2)
    for x in rng.uniform(0, side, int(rng.integers(0, 60))):
        height, lean = rng.uniform(0.3, 1) * reach, rng.uniform(-14, 14)
        pen.polygon([(x - 5, side), (x + 5, side), (x + lean, side - height)], fill=green)


def _any_colour(rng: np.random.Generator) -> Colour:
    """Return any colour between pale and deep, a little greyed: the pet is the picture."""
    red, green, blue = (int(value) for value in rng.integers(50, 236, 3))
    grey = (red + green + blue) // 3
    return mix((red, green, blue), (grey, grey, grey), 0.3)


def _photographed(picture: Image.Image, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Scale a drawing down as a camera would see it: sharpness, light and grain by lot."""
    # Through another size first: below 256 pixels detail is lost, as in a soft photo.
    side = int(rng.integers(220, 320))
    small = picture.resize((side, side), Image.Resampling.BOX).resize(
        (SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC
    )
    # Exposure of the whole picture, times a slight cast of each colour channel.
    gain = rng.uniform(0.75, 1.1) * rng.uniform(0.93, 1.07, 3)
    # The light falls off from one side of the picture to the other.
    left, right = rng.uniform(0.85, 1.1, 2)
    light = (gain * np.linspace(left, right, SIDE_PX)[:, None]).astype(np.float32)
    grain = rng.standard_normal((SIDE_PX, SIDE_PX, 3), np.float32)
    exposed = np.asarray(small, np.float32) * light + grain
    pixels: npt.NDArray[np.uint8] = np.clip(np.rint(exposed), 0, 255).astype(np.uint8)
    return pixels
