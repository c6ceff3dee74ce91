"""What `verify` found, as other programs get it, and the place in a course that it speaks of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.authoring.findings import Finding, place
from grader.messages import Message
from grader.records import FailedCell


def test_a_finding_is_json_without_what_only_annotations_need() -> None:
    cell = FailedCell(3, 2, "double", "NameError", Message("name 'x' is not defined"))

    found = Finding("tiny", "full marks", False, "lost 6", 1.5, "source", cells=(cell,), line=7).to_json()

    assert json.loads(json.dumps(found)) == found
    assert (found["what"], found["ok"], found["kind"], found["seconds"]) == (
        "full marks",
        False,
        "source",
        1.5,
    )
    assert found["cells"][0]["message"] == "name 'x' is not defined"
    assert not {"line", "names_cells"} & found.keys()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("check_hidden.py", "solutions/tiny/staff/check_hidden.py"),
        ("check_public.py", "solutions/tiny/check_public.py"),
    ],
)
def test_a_demand_is_looked_for_among_the_staffs_files_first(tmp_path: Path, name: str, file: str) -> None:
    staff = tmp_path / "solutions" / "tiny" / "staff"
    staff.mkdir(parents=True)
    (staff / "check_hidden.py").touch()

    assert place(tmp_path, "solutions/tiny", f"{name}:121") == (file, 121)
