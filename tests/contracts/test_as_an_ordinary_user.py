"""The same contracts hold for somebody who is not root."""

from __future__ import annotations

import os

import pytest

from tests.contracts import as_user

WITHIN_S = 900


@pytest.mark.skipif(os.geteuid() != 0, reason="this is not root: the others ran so")
@pytest.mark.timeout(WITHIN_S + 60)
def test_the_contracts_hold_for_an_ordinary_user() -> None:
    # Jupyter's own kernels are no sandbox: what they are compared with has been seen.
    chosen = ["tests/contracts", "-q", "--maxfail=5", "-k", "not stock"]
    done = as_user.run(chosen, timeout_s=WITHIN_S)

    assert " passed" in done.stdout
    assert done.returncode == 0, f"as uid {as_user.UID}:\n{done.stdout[-6000:]}"
