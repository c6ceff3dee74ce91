"""Calibrations stand at the end of `staff/hidden.toml`, and what people wrote before them stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import calibration_file, spec
from grader.assignment.calibrated import Calibration, Spread

SECRETS = "# Levels nobody knows.\n[levels.toy_pets]\nbright = { zero_at = 0.3, full_at = 0.9 } # said ä\n"


def calibration(**changes: object) -> Calibration:
    spread = Spread(
        level="bright",
        mean=0.95,
        sd=0.01,
        quantiles=(0.9, 0.91, 0.95, 0.97, 0.98),
        trials=210,
        weakest=0.94,
        seed_sd=0.004,
        split_sd=0.002,
        rate=0.003,
    )
    values = {
        "date": "2026-01-15",
        "digest": "a1b2",
        "runs": 30,
        "lost": 0,
        "seeds": 10,
        "splits": 5,
        "recipes": ("source", "added"),
        "machine": "a laptop",
        "rate": 0.003,
        "measures": {"photos/bright": spread},
    }
    return Calibration.model_validate({**values, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "staff").mkdir()
    return tmp_path


def test_what_was_written_is_read_again(folder: Path) -> None:
    uncounted = calibration().measures["photos/bright"].model_copy(update={"trials": None})
    found = calibration(measures={**calibration().measures, "loss/bright": uncounted})

    calibration_file.write(folder, "toy_pets", found)

    assert spec.load_hidden(folder).calibration == {"toy_pets": found}


def test_what_people_wrote_before_it_stays_letter_by_letter(folder: Path) -> None:
    path = folder / "staff" / "hidden.toml"
    path.write_text(SECRETS, encoding="utf-8")

    calibration_file.write(folder, "toy_pets", calibration())

    assert path.read_text(encoding="utf-8").startswith(SECRETS)
    assert spec.load_hidden(folder).levels["toy_pets"]["bright"].full_at == 0.9


def test_a_new_calibration_replaces_the_one_of_its_card_and_no_other(folder: Path) -> None:
    calibration_file.write(folder, "toy_pets", calibration(runs=2))
    calibration_file.write(folder, "oxford_pets", calibration(runs=4))

    path = calibration_file.write(folder, "toy_pets", calibration(runs=6))

    found = spec.load_hidden(folder).calibration
    assert {card: one.runs for card, one in found.items()} == {"toy_pets": 6, "oxford_pets": 4}
    assert path.read_bytes().count(spec.CALIBRATED) == 1


@pytest.mark.parametrize("machine", ['a "quoted" name', "back\\slash", "two\nlines", "Zürich"])
def test_no_name_of_a_machine_breaks_the_file(folder: Path, machine: str) -> None:
    calibration_file.write(folder, "toy_pets", calibration(machine=machine))

    assert spec.load_hidden(folder).calibration["toy_pets"].machine == machine
