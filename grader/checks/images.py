"""Images inside JSON: 8-bit RGB pixels as a PNG in base64, so that a verdict's pictures stay small and inert."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

MAX_PIXELS = 4_000_000  # of one packed image; feedback shows crops of 224 x 224

Pixels = npt.NDArray[np.uint8]


def to_png(image: Pixels) -> bytes:
    """Return a uint8 image `[h, w, 3]` as the bytes of a PNG file: the same pixels when read again."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def from_png(content: bytes) -> Pixels:
    """Read a PNG as uint8 `[h, w, 3]`.

    Raises:
        ValueError: it is no PNG that can be read, or has more than `MAX_PIXELS` pixels.
    """
    try:
        # Only the PNG decoder sees these bytes, and the header is looked at before anything is unpacked.
        with Image.open(io.BytesIO(content), formats=("PNG",)) as file:
            if file.width * file.height > MAX_PIXELS:
                raise ValueError(f"expected at most {MAX_PIXELS} pixels, found {file.width} x {file.height}")
            return np.asarray(file.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as exc:
        raise ValueError(f"not a PNG that can be read: {exc}") from exc


def packed(value: Any) -> Any:  # noqa: ANN401 - JSON-able, but for the images in it
    """Return a JSON-able value: every uint8 array `[h, w, 3]` in it becomes `{"png": base64}`, other arrays lists."""
    if isinstance(value, np.ndarray):
        # Only such an array is a picture: a matrix of counts stays numbers.
        if value.dtype == np.uint8 and value.ndim == 3 and value.shape[2] == 3 and value.size:
            return {"png": base64.b64encode(to_png(value)).decode("ascii")}
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {name: packed(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [packed(element) for element in value]
    return value


def unpacked(value: object) -> Pixels:
    """Return a uint8 image `[h, w, 3]` from what `packed` made of one, from an array or from nested lists.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, dict):
        try:
            # Without `validate`, characters that are no base64 would be passed over in silence.
            return from_png(base64.b64decode(str(value.get("png", "")), validate=True))
        except binascii.Error as exc:
            raise ValueError(f"not base64: {exc}") from exc
    image = np.asarray(value)
    # Nested lists become int64, so the range is looked at and not the type.
    ranged = image.dtype.kind in "iu" and image.size and image.min() >= 0 and image.max() <= 255
    if image.ndim != 3 or image.shape[2] != 3 or not ranged:
        raise ValueError(f"expected a uint8 image [h, w, 3], found {image.dtype} {image.shape}")
    return image.astype(np.uint8)
