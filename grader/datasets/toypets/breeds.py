"""The 35 make-believe breeds: what all pets of one breed share."""

from __future__ import annotations

from typing import NamedTuple


class Breed(NamedTuple):
    """Shape and texture of a breed; colours are no part of it.

    Attributes:
        ears: `pointed`, `tufted`, `bat`, `cropped`, `round`, `butterfly`, `long`, `drop` or `fold`.
        muzzle: `cat`, `flat`, `short`, `long`, `jowls` or `beard`.
        coat: outline of the fur: `smooth`, `fluffy`, `shaggy` or `curly`.
        markings: pattern on the body, a key of `markings.PATTERNS`.
        face: pattern on the face: `none`, `blaze`, `mask`, `patch`, `spectacles`, `tabby` or `brows`.
        tail: `thin`, `thick`, `bushy`, `plume`, `whip`, `curl` or `stub`.
        build: length of the body, height of the body, length of the legs, size of the head, as factors.
        extra: `none`, `bow`, `ruff`, `keg`, `fringe`, `tongue`, `wrinkles` or `socks`.
    """

    ears: str
    muzzle: str
    coat: str
    markings: str
    face: str
    tail: str
    build: tuple[float, float, float, float]
    extra: str = "none"


# By the first word of the official name, in lower case; the sorted keys are the labels.
BREEDS = {
    "abyssinian": Breed("pointed", "cat", "smooth", "ticks", "brows", "thin", (1.0, 0.8, 1.2, 0.9)),
    "bengal": Breed("round", "cat", "smooth", "rosettes", "tabby", "thick", (1.15, 0.9, 1.0, 0.9)),
    "birman": Breed("round", "cat", "fluffy", "points", "mask", "bushy", (1.0, 1.0, 0.8, 1.0), "socks"),
    "bombay": Breed("pointed", "cat", "smooth", "gloss", "none", "thin", (1.0, 0.85, 1.0, 1.0)),
    "british": Breed("round", "cat", "smooth", "rings", "none", "thick", (1.0, 1.25, 0.7, 1.2)),
    "egyptian": Breed("pointed", "cat", "smooth", "spots", "tabby", "thin", (1.05, 0.75, 1.15, 0.85)),
    "maine": Breed("tufted", "cat", "shaggy", "stripes", "tabby", "bushy", (1.25, 1.05, 0.9, 1.0), "ruff"),
    "persian": Breed("round", "flat", "shaggy", "plain", "none", "bushy", (0.95, 1.15, 0.55, 1.25)),
    "ragdoll": Breed("pointed", "cat", "fluffy", "saddle", "blaze", "plume", (1.2, 1.0, 0.75, 1.0)),
    "russian": Breed("bat", "cat", "smooth", "hatch", "none", "thin", (1.0, 0.8, 1.1, 0.85)),
    "siamese": Breed("bat", "cat", "smooth", "points", "mask", "whip", (1.1, 0.65, 1.25, 0.8)),
    "sphynx": Breed("bat", "cat", "smooth", "wrinkles", "none", "whip", (0.95, 0.8, 1.1, 0.9), "wrinkles"),
    "american": Breed("fold", "jowls", "smooth", "patches", "patch", "stub", (1.0, 1.2, 0.75, 1.15)),
    "basset": Breed("long", "long", "smooth", "saddle", "blaze", "thin", (1.45, 0.8, 0.4, 1.0)),
    "beagle": Breed("drop", "long", "smooth", "saddle", "patch", "thick", (1.05, 0.9, 0.9, 0.95)),
    "boxer": Breed("cropped", "jowls", "smooth", "stripes", "mask", "stub", (1.05, 0.95, 1.2, 0.95)),
    "chihuahua": Breed("bat", "short", "smooth", "plain", "blaze", "whip", (0.75, 0.7, 0.9, 1.1)),
    "english": Breed("long", "long", "shaggy", "ticks", "none", "plume", (1.2, 0.85, 1.05, 0.85)),
    "german": Breed("drop", "long", "smooth", "spots", "mask", "stub", (1.15, 0.85, 1.2, 0.8)),
    "great": Breed("drop", "short", "shaggy", "plain", "none", "plume", (1.2, 1.3, 0.85, 1.05), "ruff"),
    "havanese": Breed(
        "drop", "beard", "shaggy", "strands", "none", "plume", (1.0, 0.95, 0.55, 1.05), "fringe"
    ),
    "japanese": Breed("butterfly", "flat", "fluffy", "patches", "blaze", "plume", (0.85, 0.9, 0.7, 1.05)),
    "keeshond": Breed(
        "pointed", "short", "fluffy", "hatch", "spectacles", "curl", (0.95, 1.1, 0.85, 0.95), "ruff"
    ),
    "leonberger": Breed("drop", "long", "fluffy", "plain", "mask", "bushy", (1.25, 1.15, 1.05, 0.95), "ruff"),
    "miniature": Breed("cropped", "long", "smooth", "points", "brows", "stub", (0.85, 0.7, 1.1, 0.85)),
    "newfoundland": Breed(
        "drop", "jowls", "curly", "gloss", "none", "bushy", (1.25, 1.3, 0.8, 1.15), "tongue"
    ),
    "pomeranian": Breed(
        "pointed", "short", "shaggy", "plain", "none", "curl", (0.75, 1.15, 0.5, 0.95), "ruff"
    ),
    "pug": Breed("fold", "flat", "smooth", "plain", "mask", "curl", (0.9, 1.05, 0.65, 1.1), "wrinkles"),
    "saint": Breed("drop", "jowls", "fluffy", "patches", "blaze", "thick", (1.25, 1.2, 0.95, 1.1), "keg"),
    "samoyed": Breed("pointed", "short", "fluffy", "plain", "none", "curl", (1.1, 1.1, 0.95, 1.0), "tongue"),
    "scottish": Breed("cropped", "beard", "shaggy", "strands", "brows", "thin", (1.15, 0.85, 0.35, 1.0)),
    "shiba": Breed("pointed", "short", "smooth", "belly", "brows", "curl", (1.0, 0.9, 0.95, 0.95)),
    "staffordshire": Breed("fold", "short", "smooth", "belly", "none", "whip", (1.05, 1.05, 0.95, 1.1)),
    "wheaten": Breed("fold", "beard", "curly", "curls", "none", "thick", (1.0, 0.95, 1.05, 0.95), "fringe"),
    "yorkshire": Breed("pointed", "beard", "shaggy", "strands", "none", "thin", (0.9, 0.9, 0.4, 0.95), "bow"),
}

# The names of the files: those of the Oxford-IIIT pets, one for each breed.
NAMES = (
    "Abyssinian",
    "Bengal",
    "Birman",
    "Bombay",
    "British_Shorthair",
    "Egyptian_Mau",
    "Maine_Coon",
    "Persian",
    "Ragdoll",
    "Russian_Blue",
    "Siamese",
    "Sphynx",
    "american_bulldog",
    "basset_hound",
    "beagle",
    "boxer",
    "chihuahua",
    "english_setter",
    "german_shorthaired",
    "great_pyrenees",
    "havanese",
    "japanese_chin",
    "keeshond",
    "leonberger",
    "miniature_pinscher",
    "newfoundland",
    "pomeranian",
    "pug",
    "saint_bernard",
    "samoyed",
    "scottish_terrier",
    "shiba_inu",
    "staffordshire_bull_terrier",
    "wheaten_terrier",
    "yorkshire_terrier",
)
# The official names of cats begin with a capital, those of dogs do not.
CATS = frozenset(name.lower().partition("_")[0] for name in NAMES if name[0].isupper())
