"""Find photos that students have and that judge them too: the same picture, public and hidden.

A perceptual hash finds copies that were encoded anew, resized, mirrored or made brighter; a network's features propose pairs
that may have been cropped, and their pixels, laid over each other at the best place and size, have the last word:
drawings of one kind, and two photos of one thing, resemble each other in features.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from grader.datasets import photos as photo_files
from grader.datasets import views
from grader.datasets.holdout import PRIVATE, Division
from grader.errors import SpecError
from grader.files import replacing, write_whole

HASH_BITS = 256
# Measured on 832 real photos and 280 toy pets, and on copies of them that were cropped by up to a fifth, encoded anew,
# halved, mirrored, made grey, brighter or darker. Between the two kinds of pairs there is room on both sides.
SURE_BITS = 32  # copies that were not cropped differ in 0 to 30 bits of 256; other photos in 80 or more, other toys in 52
SURE_COSINE = 0.6  # and those copies have features of 0.72 or more
NEAR_BITS = 60  # worth a look at the pixels
NEAR_COSINE = (
    0.8  # the same: cropped copies nearly always reach it; one pair of different photos in 5,000 does
)
LIKENESS_AT_LEAST = 0.9  # cropped copies reach 0.92; other photos at most 0.72, other toys 0.86
HIDDEN = ("holdout", "second_holdout")
NAMED = 8  # pairs in a finding's words

_VERSION = 1  # of what is kept in the cache
_SIDE, _PATCH = (
    48,
    34,
)  # pixels a side: pictures that are compared, and the part of one that is looked for in the other
_SIZES = (34, 36, 38, 39, 41, 43, 45, 46, 48)  # of a picture that may be a part of the other
_FLAT = 1.0  # grey levels of contrast below which there is nothing to compare

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Twins:
    """Two photos that show the same picture.

    Attributes:
        public: name of the one in a public split.
        hidden: name of the other.
        split: where the hidden one is: `holdout` or `second_holdout`.
        two_labels: whether they are labelled as different classes: then one label is wrong.
        hash_bits: in how many of 256 bits their perceptual hashes differ.
        cosine: of their features, -1 to 1.
        likeness: of their pixels at the best place and size, -1 to 1.
    """

    public: str
    hidden: str
    split: str
    two_labels: bool
    hash_bits: int
    cosine: float
    likeness: float

    def __str__(self) -> str:
        labels = ", with two labels" if self.two_labels else ""
        return f"{self.public} (public) and {self.hidden} ({self.split}){labels}"


@dataclass(frozen=True)
class Looks:
    """What photos look like, one row each.

    Attributes:
        digests: of their files, 64 hex digits.
        bits: perceptual hashes, bool `[n, 256]`.
        mirrored: hashes of the mirrored photos.
        features: float32 `[n, width]`, each of length 1.
    """

    digests: tuple[str, ...]
    bits: npt.NDArray[np.bool_]
    mirrored: npt.NDArray[np.bool_]
    features: Floats


def photo_findings(division: Division, cache: Path) -> tuple[bool, str, list[Twins]]:
    """Say whether no hidden photo lies among the public ones.

    Args:
        division: the photos.
        cache: where hashes and features are kept, by the digest of the file.

    Returns:
        Whether it is so, what was found in words, for staff only, and the pairs, those with two labels first.
    """
    split, alone = division.split, division.card.splits.same_picture == "pixels"
    pairs = equal_pixels(division) if alone else near_duplicates(division, cache)
    counts = ", ".join(
        f"{len(split.names(name))} {'of your own' if division.private(name) else name.replace('_', ' ')}"
        for name in HIDDEN
    )
    public = sum(len(split.names(name)) for name in views.PUBLIC)
    if not pairs:
        return True, f"{public} public photos against {counts}: no two show the same picture", pairs
    named = "; ".join(map(str, pairs[:NAMED])) + (f"; and {len(pairs) - NAMED} more" if pairs[NAMED:] else "")
    advice = f"put one name of each pair into leave_out in [splits] of {division.card.id}.toml"
    if any(twins.hidden.startswith(PRIVATE) for twins in pairs):
        advice = "take the private ones out of your folder: whoever has the data set has them"
    return False, f"{len(pairs)} hidden photos are public too: {named}; {advice}", pairs


def near_duplicates(division: Division, cache: Path) -> list[Twins]:
    """Return pairs of a public and a hidden photo that show the same picture; arguments as for `photo_findings`.

    To photos of the course's own all others that are in a split are public: they are published.
    """
    split, cache_path = division.split, cache / "looks" / division.card.id
    names, looks = look(division.places, cache_path.with_suffix(".npz"))
    row = {name: index for index, name in enumerate(names)}
    pairs = []
    with _Comparison(
        looks.digests, [division.places[name] for name in names], cache_path.with_suffix(".json")
    ) as compare:
        for split_name in HIDDEN:
            public = [row[name] for name in _known(division, split_name) if name in row]
            hidden = [row[name] for name in split.names(split_name) if name in row]
            for public_row, hidden_row, bits, cosine in _candidates(looks, public, hidden):
                alike = compare(public_row, hidden_row)
                if alike >= LIKENESS_AT_LEAST or (bits <= SURE_BITS and cosine >= SURE_COSINE):
                    pair = names[public_row], names[hidden_row]
                    first, second = (division.label_of(name) for name in pair)
                    pairs.append(
                        Twins(*pair, split_name, first != second, bits, round(cosine, 3), round(alike, 3))
                    )
    return sorted(pairs, key=lambda twins: (not twins.two_labels, twins.public, twins.hidden))


def equal_pixels(division: Division) -> list[Twins]:
    """Return pairs of a public and a hidden photo that have the same pixels, where nothing else makes them the same picture."""
    digests = {}
    for name, path in division.places.items():
        with contextlib.suppress(SpecError):  # one that cannot be read
            digests[name] = hashlib.sha256(photo_files.open_photo(path).tobytes()).digest()
    pairs = []
    for split_name in HIDDEN:
        hidden: dict[bytes, list[str]] = {}
        for name in division.split.names(split_name):
            if name in digests:
                hidden.setdefault(digests[name], []).append(name)
        for public in _known(division, split_name):
            for name in hidden.get(digests.get(public, b""), ()):
                differ = division.label_of(public) != division.label_of(name)
                pairs.append(Twins(public, name, split_name, differ, 0, 1.0, 1.0))
    return sorted(pairs, key=lambda twins: (not twins.two_labels, twins.public, twins.hidden))


def _known(division: Division, split_name: str) -> list[str]:
    """Return the names that students may know: all others that are in a split, where those of a part are the course's own."""
    if division.private(split_name):
        return [name for name in division.places if not name.startswith(PRIVATE)]
    return [name for public_split in views.PUBLIC for name in division.split.names(public_split)]


class _Comparison:
    """Compares photos by their pixels; what it found is kept by the files' digests when the block ends."""

    def __init__(self, digests: Sequence[str], places: Sequence[Path], kept: Path) -> None:
        self.digests, self.places, self.kept = digests, places, kept
        self.sights: dict[int, Sight] = {}
        self.asked: dict[str, float] = {}
        try:
            stored = json.loads(kept.read_text("utf-8"))
            self.known = {str(pair): float(value) for pair, value in stored[str(_VERSION)].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self.known = {}

    def __enter__(self) -> _Comparison:
        return self

    def __exit__(self, *_: object) -> None:
        if self.asked.keys() - self.known.keys():
            write_whole(self.kept, json.dumps({str(_VERSION): self.known | self.asked}))

    def __call__(self, first: int, second: int) -> float:
        pair = " ".join(sorted((self.digests[first][:16], self.digests[second][:16])))
        if pair not in self.known and pair not in self.asked:
            for row in (first, second):
                if row not in self.sights:
                    self.sights[row] = Sight.of(photo_files.read_photo(self.places[row]))
            self.asked[pair] = likeness(self.sights[first], self.sights[second])
        return self.known[pair] if pair in self.known else self.asked[pair]


def _candidates(looks: Looks, public: list[int], hidden: list[int]) -> list[tuple[int, int, int, float]]:
    """Return rows of pairs worth a comparison, with differing bits and cosine."""
    if not public or not hidden:
        return []
    bits = np.minimum(
        _differing(looks.bits[public], looks.bits[hidden]),
        _differing(looks.mirrored[public], looks.bits[hidden]),
    )
    cosines = looks.features[public] @ looks.features[hidden].T
    near = (bits <= NEAR_BITS) | (cosines >= NEAR_COSINE)
    return [
        (public[row], hidden[column], int(bits[row, column]), float(cosines[row, column]))
        for row, column in zip(*np.nonzero(near), strict=True)
    ]


def _differing(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Count differing bits of all pairs: `[n, 256]` and `[m, 256]` give `[n, m]`."""
    signs, others = (np.where(bits, 1.0, -1.0).astype(np.float32) for bits in (first, second))
    return np.rint((HASH_BITS - signs @ others.T) / 2).astype(np.int64)


def look(places: dict[str, Path], kept: Path) -> tuple[list[str], Looks]:
    """Return what photos look like; what is known of a file's digest is not computed again.

    Args:
        places: where photos lie, by name.
        kept: an `.npz`, written when something is new.

    Returns:
        Names of the photos that can be read, and their looks.
    """
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in places.items()}
    cached = _read_kept(kept)
    uncached: dict[str, Pixels] = {}
    for name, digest in digests.items():
        if digest not in cached and digest not in uncached:
            with contextlib.suppress(SpecError):  # broken files are left out everywhere
                uncached[digest] = photo_files.read_photo(places[name])
    if uncached:
        cached.update(_computed(uncached))
        _keep(kept, {digest: cached[digest] for digest in digests.values() if digest in cached})
    names = [name for name, digest in digests.items() if digest in cached]
    rows = [cached[digests[name]] for name in names]
    hashes = np.array([row[0] for row in rows], np.uint8).reshape(len(rows), 2, HASH_BITS // 8)
    bits = np.unpackbits(hashes, axis=2).astype(bool)
    features = np.array([row[1] for row in rows], np.float32)
    return names, Looks(tuple(digests[name] for name in names), bits[:, 0], bits[:, 1], features)


def _computed(photos: dict[str, Pixels]) -> dict[str, tuple[Pixels, npt.NDArray[np.float16]]]:
    """Return packed hashes uint8 `[2, 32]` and features of length 1, by digest."""
    from grader.networks import backbones

    features = backbones.backbone().freeze().features(np.stack(list(photos.values()))).numpy()
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float16)
    hashes = (np.packbits([_hash(photo), _hash(photo[:, ::-1])], axis=1) for photo in photos.values())
    return dict(zip(photos, zip(hashes, features, strict=True), strict=True))


def _hash(photo: Pixels) -> npt.NDArray[np.bool_]:
    import imagehash

    return np.asarray(imagehash.phash(Image.fromarray(photo), hash_size=16).hash, bool).ravel()


def _read_kept(path: Path) -> dict[str, tuple[Pixels, npt.NDArray[np.float16]]]:
    """Return what an earlier run kept; nothing when the file is missing, damaged or of another version."""
    try:
        # Opened here: numpy leaves a file open that turns out to be no archive.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if int(file["version"]) != _VERSION:
                return {}
            rows = zip(file["hashes"], file["features"], strict=True)
            return dict(zip((str(digest) for digest in file["digests"]), rows, strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}


def _keep(path: Path, rows: dict[str, tuple[Pixels, npt.NDArray[np.float16]]]) -> None:
    hashes, features = (np.stack([row[column] for row in rows.values()]) for column in (0, 1))
    with replacing(path) as draft:
        np.savez(draft, version=_VERSION, digests=np.array(list(rows)), hashes=hashes, features=features)


@dataclass(frozen=True)
class Sight:
    """One picture, ready to be compared with others.

    Attributes:
        windows: all its parts of 34 x 34 pixels, float32 `[225, values]`.
        scale: what makes each window one of length 1 once its mean is gone; 0 where it has no contrast.
        patches: its middle at nine sizes, each also mirrored, float32 `[18, values]`, of mean 0 and length 1.
    """

    windows: Floats
    scale: Floats
    patches: Floats

    @classmethod
    def of(cls, photo: Pixels) -> Sight:
        """Prepare a photo, uint8 `[224, 224, 3]`."""
        parts = np.lib.stride_tricks.sliding_window_view(_edges(photo, _SIDE), (_PATCH, _PATCH), axis=(0, 1))
        windows = np.ascontiguousarray(parts).reshape(-1, 3 * _PATCH * _PATCH)
        middles = []
        for size in _SIZES:
            small = np.moveaxis(_edges(photo, size), 2, 0)
            start = (size - _PATCH) // 2
            middle = small[:, start : start + _PATCH, start : start + _PATCH]
            middles += [middle.reshape(-1), middle[:, :, ::-1].reshape(-1)]
        patches = np.stack(middles)
        patches -= patches.mean(axis=1, keepdims=True)
        return cls(windows, _scale(windows), patches * _scale(patches)[:, None])


def likeness(one: Sight, other: Sight) -> float:
    """Return the best correlation of one picture's middle with a part of the other, at any size, mirrored or not."""
    return max(
        float(((searched.windows @ sought.patches.T) * searched.scale[:, None]).max())
        for searched, sought in ((one, other), (other, one))
    )


def _edges(photo: Pixels, side: int) -> Floats:
    """Return the photo's edges, float32 `[side, side, 3]`: brightness and soft shadows are gone."""
    from scipy.ndimage import gaussian_filter

    small = Image.fromarray(photo).resize((side, side), Image.Resampling.LANCZOS)
    values = np.asarray(small, np.float32)
    return np.asarray(gaussian_filter(values, (0.7, 0.7, 0)) - gaussian_filter(values, (5, 5, 0)), np.float32)


def _scale(rows: Floats) -> Floats:
    """Return one over the length that each row has without its mean; 0 for rows without contrast."""
    count = rows.shape[1]
    squares = np.einsum("ij,ij->i", rows, rows) - count * rows.mean(axis=1) ** 2
    enough = squares > count * _FLAT**2
    return np.where(enough, 1 / np.sqrt(np.where(enough, squares, 1)), 0).astype(np.float32)
