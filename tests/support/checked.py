"""The tiny course with everything that `verify` and `calibrate` want: a level, mutants, honest recipes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from grader.assignment.course import Course
from grader.authoring.release import build_release
from tests.support.tiny import tiny_course

LEVELS = """
[data.toy_pets.levels]
bright = { zero_at = 0.2, full_at = 0.9 }
"""
MEASURE = '''

@pytest.mark.exercise("brightness", points=2, asks="photos", after="agree")
def test_photos(answers, levels):
    """Column 1 is the mean of the photo, for nearly all photos."""
    found, expected = gather(answers("photos")), answers("photos")[0].key["expected"]
    right = np.abs(found.plain[:, 1] - expected) < 0.5
    require_count(int(right.sum()), of=len(right), levels=levels["bright"], what="bright photos", hint="All.")
'''
CELL = (
    "import numpy as np\n\n\ndef classify(images):\n    mean = images.reshape(len(images), -1).mean(axis=1)\n"
)
FEW_MUTANTS = {  # enough for the tiny course as it is
    "tripled": (
        'loses = ["double"]\nfails = ["double"]',
        "double-code",
        "def double(numbers):\n    return numbers * 3\n",
    ),
    "by_order": (
        'loses = ["brightness"]\nfails = ["agree"]\nskips = ["brightness"]',
        "classify-code",
        f"{CELL}    scores = mean[:, None] * np.arange(35.0)\n    scores += 0.01 * len(images) * mean[:, None]\n    return scores\n",
    ),
    "reversed_columns": (
        'loses = ["brightness"]\nfails = ["brightness"]',
        "classify-code",
        f"{CELL}    return mean[:, None] * np.arange(35.0)[::-1]\n",
    ),
    "never_dark": (
        'loses = ["brightness"]\nfails = ["night"]',
        "classify-code",
        f"{CELL}    return mean[:, None] * np.arange(35.0) + 0.1\n",
    ),
}
MUTANTS = {
    **FEW_MUTANTS,
    "by_order": (
        'loses = ["brightness"]\nfails = ["agree"]\nskips = ["brightness", "photos"]',
        *FEW_MUTANTS["by_order"][1:],
    ),
    "reversed_columns": (
        'loses = ["brightness"]\nfails = ["brightness", "photos"]',
        *FEW_MUTANTS["reversed_columns"][1:],
    ),
    "one_column": (
        'loses = ["brightness"]\nfails = ["photos"]',
        "classify-code",
        f"{CELL}    scores = mean[:, None] * np.arange(35.0)\n    scores[:, 1] += 0.6 * (mean % 2 > 1)\n    return scores\n",
    ),
}
RECIPES = {
    "added": ("double-code", "def double(numbers):\n    return numbers + numbers\n"),
    "shifted": (
        "classify-code",
        f"{CELL}    return (mean + 1e-4 * seed)[:, None] * np.arange(35.0) * (mean > 0)[:, None]\n",
    ),
}


def checked_course(folder: Path) -> Course:
    """Write the course, released, and return it."""
    course = tiny_course(folder)
    source = course.source("tiny")
    _change(source / "assignment.toml", "[data.toy_pets]\n", f"[data.toy_pets]\n{LEVELS}")
    path = source / "check_public.py"
    _change(path, "import require, show", "import require, require_count, show")
    _change(
        path, '@pytest.mark.exercise("brightness", points=8', '@pytest.mark.exercise("brightness", points=6'
    )
    _change(path, "at_most=0.5, what", "at_most=25, what")
    path.write_text(path.read_text() + MEASURE)
    write_variants(source / "staff" / "mutants", MUTANTS)
    write_variants(source / "staff" / "recipes", RECIPES)
    build_release(course.folder, "tiny", course.folder / "assignments")
    return course


def write_variants(folder: Path, variants: Mapping[str, tuple[str, ...]]) -> None:
    """Write variants, by name: lines of the header, if any, the cell, and its code."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (*header, cell, code) in variants.items():
        facts = "\n".join(f"# {line}" for line in [f'title = "{name}"', *"\n".join(header).splitlines()])
        (folder / f"{name}.py").write_text(f"# /// pawgrade\n{facts}\n# ///\n# %% [{cell}]\n{code}")


def _change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
