"""Every attack on `collect` gets what its entry says, writes nothing outside, and staff read it as text."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader.cli.app import app
from grader.gradebook.roster import course_roster
from grader.reports.exports.table import csv_text
from tests.attacks.collected import Collected, read_all
from tests.support.handed_in import cat_course

OLD = "handed in before"


def snapshot(folder: Path, *, without: tuple[str, ...]) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {
        name: path.read_bytes()
        for path in paths
        if not (name := path.relative_to(folder).as_posix()).startswith(without)
    }


@pytest.mark.parametrize("attack", read_all(), ids=lambda attack: attack.name)
def test_an_attack_on_collect_gets_what_it_must(attack: Collected, tmp_path: Path) -> None:
    course = cat_course(tmp_path / "a" / "course").folder
    for student in attack.present:
        folder = course / "submitted" / student / "cat_lab"
        folder.mkdir(parents=True)
        (folder / "cat_lab.ipynb").write_text(OLD)
    if attack.roster:
        (course / "roster.csv").write_text(attack.roster)
    source = attack.archive(tmp_path / "all.zip")
    arguments = [
        "collect", str(source), "--assignment", "cat_lab", "--course", str(course), "--from", "folder",
        "--replace",
    ]  # fmt: skip
    ours = ("a/course/submitted/", "a/course/collected/", "a/course/.pawgrade/")
    before = snapshot(tmp_path, without=ours)

    dry_run = CliRunner().invoke(app, [*arguments, "--dry-run"])
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json", "-"]).stdout)

    assert {row["sender"]: row["action"] for row in told["hand_ins"]} == attack.actions
    assert len([row for row in told["left_out"] if row["work"]]) == attack.refused
    words = " ".join(f"{dry_run.output} {json.dumps(told, ensure_ascii=False)}".split())
    assert [say for say in attack.says if say not in words] == []
    # Nothing outside has changed, no link or device was made, and each folder is a student's.
    assert snapshot(tmp_path, without=ours) == before
    assert not Path("/pawgrade-was-here").exists()
    placed = [path for path in (course / "submitted").rglob("*") if not path.is_dir()]
    assert all(path.is_file() and not path.is_symlink() for path in placed)
    taken = [name for name, action in attack.actions.items() if action in ("new", "replaces")]
    assert len(list((course / "submitted").iterdir())) == len(taken)
    assert not any(path.read_text() == "evil" for path in placed)
    # No control character, and none that turns the direction of writing, reaches a terminal or a name of a file.
    names = [name for path in course.rglob("*") for name in path.relative_to(course).parts]
    for text in [dry_run.output.replace("\n", " "), *names]:
        assert not [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Cs")], text
    # What a roster says is text in every spreadsheet.
    listed = course_roster(course, "", None).students if attack.roster else ()
    for row in csv.reader(io.StringIO(csv_text([[student.name, student.email] for student in listed]))):
        assert [cell[:1] for cell in row] == ["'", "'"]


def test_the_corpus_has_what_it_is_to_have() -> None:
    titles = [attack.title for attack in read_all()]

    assert len(titles) == len(set(titles)) >= 6
