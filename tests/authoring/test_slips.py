"""An author's mistake is told with the author's own lines first."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.authoring.slips import in_a_line, own_first

LOG = """\
check_public.py::test_double
{folder}/check_public.py:20: in test_double
    helped(answer)
{folder}/check_public.py:11: in helped
    return np.stack([])
/usr/lib/python3/site-packages/numpy/core/shape_base.py:445: in stack
    raise ValueError('need at least one array to stack')
E   ValueError: need at least one array to stack"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "staff").mkdir()
    for name in ("check_public.py", "staff/check_hidden.py"):
        (tmp_path / name).touch()
    return tmp_path


def test_own_lines_come_first_the_nearest_before_the_others(folder: Path) -> None:
    assert own_first(LOG.format(folder=folder), folder).splitlines() == [
        "ValueError: need at least one array to stack, check_public.py:11",
        "    check_public.py:11 in helped: return np.stack([])",
        "    check_public.py:20 in test_double: helped(answer)",
        "    from there into libraries:",
        "      /usr/lib/python3/site-packages/numpy/core/shape_base.py:445 in stack: raise ValueError('need at least one array to stack')",
    ]


def test_a_path_from_elsewhere_is_known_by_its_name(folder: Path) -> None:
    log = "../x/staff/check_hidden.py:3: in test_night\n    answers('dark')\nE   KeyError: 'dark'"

    assert own_first(log, folder).splitlines()[0] == "KeyError: 'dark', staff/check_hidden.py:3"


def test_sentences_stay_and_a_line_holds_every_exception(folder: Path) -> None:
    log = f"exercise double: its checks are worth 3 points\n\n{LOG.format(folder=folder)}"

    assert own_first(log, folder).startswith("exercise double: its checks are worth 3 points\nValueError")
    assert in_a_line(log, folder) == (
        "exercise double: its checks are worth 3 points; ValueError: need at least one array to stack, check_public.py:11"
    )
