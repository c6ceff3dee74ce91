"""What axe-core finds on a page: WCAG 2.2 A and AA and best practice, with the one rule of 2.2 that is off by default."""

from __future__ import annotations

from typing import Any

import pytest

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}


def violations(page: Any) -> list[str]:
    """Return what axe-core finds on an open page of playwright: a line for each element, empty where it finds nothing.

    A page with a content security policy that forbids scripts needs a context with `bypass_csp=True`.
    """
    library = pytest.importorskip("axe_playwright_python.base", reason="needs the dev extra's axe")
    page.evaluate(library.AXE_SCRIPT)
    results = page.evaluate("(options) => axe.run(document, options)", OPTIONS)
    # A run that looked at nothing finds nothing, too.
    assert page.evaluate("() => axe.getRules().some((rule) => rule.ruleId === 'target-size')")
    return [
        f"{rule['id']}: {node['target']}: {' '.join(node['failureSummary'].split())} {node['html'][:160]}"
        for rule in results["violations"]
        for node in rule["nodes"]
    ]
