"""The same verdicts for somebody who is not root, for the attacks on what root and others have of the system.

Those on judging alone meet the same code, whoever started it. `pytest tests/attacks` as an ordinary user runs all of them.
"""

from __future__ import annotations

import os

import pytest

from tests.contracts import as_user

WITHIN_S = 900
ON_THE_SYSTEM = ("exits", "network", "processes", "reading", "writing")  # folders of the corpus


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.skipif(os.geteuid() != 0, reason="this is not root: the others ran so")
@pytest.mark.timeout(WITHIN_S + 60)
def test_the_attacks_get_their_verdicts_from_an_ordinary_user() -> None:
    chosen = " or ".join(f"{folder}/" for folder in ON_THE_SYSTEM)
    done = as_user.run(["tests/attacks", "-q", "--maxfail=5", "-k", chosen], timeout_s=WITHIN_S)

    assert done.returncode == 0, f"as uid {as_user.UID}:\n{done.stdout[-6000:]}"
    assert "passed" in done.stdout
