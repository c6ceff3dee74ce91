"""The same verdicts for somebody who is not root."""

from __future__ import annotations

import os

import pytest

from tests.contracts import as_user

WITHIN_S = 900


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.skipif(os.geteuid() != 0, reason="this is not root: the others ran so")
@pytest.mark.timeout(WITHIN_S + 60)
def test_the_attacks_get_their_verdicts_from_an_ordinary_user() -> None:
    done = as_user.run(["tests/attacks", "-q", "--maxfail=5"], timeout_s=WITHIN_S)

    assert done.returncode == 0, f"as uid {as_user.UID}:\n{done.stdout[-6000:]}"
    assert "passed" in done.stdout
