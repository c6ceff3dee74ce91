"""Reading of photos: any picture file as upright RGB of one size."""

from __future__ import annotations

import functools
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from grader.errors import SpecError

# As networks for ImageNet are usually fed: short side to 256 pixels, then the middle 224.
SIDE_PX = 224  # of every photo: height and width, in pixels
SHORT_SIDE_PX = 256
MAX_PIXELS = 50_000_000  # a photo; more is a decompression bomb
UNREADABLE = (  # what Pillow raises over broken files; its own classes are OSErrors
    OSError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Photos:
    """Photos with their labels.

    Attributes:
        images: uint8 RGB `[n, 224, 224, 3]`.
        labels: int64 `[n]`, positions in the label space's classes.
        names: official file names; empty for anonymous photos.
        left_out: how many of a hidden split could not be read.
    """

    images: Images
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...] = ()
    left_out: int = 0


# In place of photos, for an assignment that has no data card.
NONE = Photos(np.empty((0, SIDE_PX, SIDE_PX, 3), np.uint8), np.empty(0, np.int64))


def read_photo(path: Path) -> Images:
    """Read a photo as uint8 RGB `[224, 224, 3]`: short side to 256, centre crop; raises SpecError."""
    return np.asarray(_centre(open_photo(path), SIDE_PX))


def open_photo(path: Path) -> Image.Image:
    """Read any kind of photo as RGB, upright, its short side 256 pixels."""
    try:
        # Pillow warns of damaged Exif blocks, which many photos of the public sets have, and reads the photo all the same.
        with warnings.catch_warnings(action="ignore"), Image.open(path) as file:
            # `Image.open` has read the header alone: a bomb is refused before it is unpacked.
            if file.width * file.height > MAX_PIXELS:
                raise SpecError(f"{path.name}: {file.width} x {file.height} pixels are too many.")
            picture = _opaque(ImageOps.exif_transpose(file))
    except UNREADABLE as exc:
        raise SpecError(
            f"{path.name} is not a photo that can be read: {exc}.", "Replace or delete the file."
        ) from exc
    scale = SHORT_SIDE_PX / min(picture.size)
    size = (
        max(SHORT_SIDE_PX, round(picture.width * scale)),
        max(SHORT_SIDE_PX, round(picture.height * scale)),
    )
    return picture.resize(size, Image.Resampling.BICUBIC)


def _opaque(picture: Image.Image) -> Image.Image:
    """Return RGB, on white where the picture is transparent."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    # `convert("RGB")` alone would show the colours that lie under transparent pixels.
    layer = picture.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(paper, layer).convert("RGB")


def _centre(picture: Image.Image, side: int) -> Image.Image:
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


@functools.cache
def _chelsea() -> Images:
    from skimage import data

    picture = Image.fromarray(data.chelsea())
    scale = SHORT_SIDE_PX / min(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    return np.asarray(_centre(picture.resize(size, Image.Resampling.BICUBIC), SIDE_PX))


def cat_photo() -> Images:
    """Return Chelsea, a photo of a cat by Stefan van der Walt (CC0, ships with scikit-image), uint8 `[224, 224, 3]`."""
    # A copy: the cached array is shared by all callers, who may write into theirs.
    return _chelsea().copy()
