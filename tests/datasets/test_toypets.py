"""Toy pets: the same seed draws the same set, and colours do not give the breed away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grader.datasets import toypets
from grader.errors import SpecError
from tests.support import breeds


@pytest.mark.parametrize("breed", range(35))
def test_a_pet_is_an_rgb_picture_with_contrast(breed: int) -> None:
    picture = toypets.draw(breed, np.random.default_rng(breed))

    assert picture.shape == (toypets.SIDE_PX, toypets.SIDE_PX, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 10


def test_the_same_seed_draws_the_same_pet() -> None:
    first, again = (toypets.draw(3, np.random.default_rng(5)) for _ in range(2))

    np.testing.assert_array_equal(first, again)


def test_two_pets_of_a_breed_differ_in_colour_and_place() -> None:
    first, other = (toypets.draw(3, np.random.default_rng(seed)) for seed in (1, 2))

    assert np.abs(first.astype(int) - other).mean() > 10


def test_the_file_names_follow_the_official_scheme() -> None:
    names = toypets.file_names(2)

    labels = [breeds.label_of(name) for name in names]
    assert sorted(labels) == sorted([*range(35), *range(35)])
    assert all((breeds.groups()[breeds.label_of(name)] == "cat") == name[:1].isupper() for name in names)


def test_a_set_is_written_whole_and_used_again(tmp_path: Path) -> None:
    folder = toypets.write_toy_pets(tmp_path / "cache" / "pets", 1, seed=4)
    written = {path.name: path.stat().st_mtime_ns for path in (folder / "images").iterdir()}

    toypets.write_toy_pets(folder, 1, seed=4)

    assert {path.name: path.stat().st_mtime_ns for path in (folder / "images").iterdir()} == written
    assert sorted(written) == sorted(toypets.file_names(1))
    assert [path.name for path in folder.parent.iterdir()] == ["pets"]


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    folders = [toypets.write_toy_pets(tmp_path / name, 1, seed=4) for name in ("one", "two")]

    first, second = ([path.read_bytes() for path in sorted((f / "images").iterdir())] for f in folders)
    assert first == second


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="at least 1 picture a breed, found 0"):
        toypets.write_toy_pets(tmp_path / "pets", 0, seed=1)

    assert list(tmp_path.iterdir()) == []


def test_colour_histograms_do_not_tell_the_breed() -> None:
    def histogram(breed: int, number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        pixels = toypets.draw(breed, np.random.default_rng([breed, number])).reshape(-1, 3)
        counts, _ = np.histogramdd(pixels // 64, bins=[np.arange(5)] * 3)
        shares: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.sqrt(counts.ravel() / counts.sum())
        return shares

    known = np.array([[histogram(breed, number) for number in range(3)] for breed in range(35)])
    asked = np.array([histogram(breed, 9) for breed in range(35)])

    gaps = ((asked[:, None, None] - known[None]) ** 2).sum(-1).min(-1)
    assert (gaps.argmin(1) == np.arange(35)).mean() <= 0.25
