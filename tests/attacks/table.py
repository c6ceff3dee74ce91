"""The corpus as a page: `python -m tests.attacks.table` writes its part of docs/attacks.md."""

from __future__ import annotations

import re
from itertools import groupby

from tests.attacks import collected
from tests.attacks.entries import FAMILIES, Attack, read_all
from tests.support.notebooks import REPOSITORY

PAGE = REPOSITORY / "docs" / "attacks.md"
BEGIN, END = "<!-- the corpus: begin -->", "<!-- the corpus: end -->"
BEGIN_COLLECTED, END_COLLECTED = "<!-- what is collected: begin -->", "<!-- what is collected: end -->"
MOST = {"attacks": 16, "lookup": 10}


def tables(attacks: list[Attack]) -> str:
    """Return one Markdown table a family."""
    parts = [f"{len(attacks)} attacks in {len({one.family for one in attacks})} families."]
    for family, found in groupby(attacks, key=lambda attack: attack.family):
        rows = [f"## {FAMILIES[family]}", "", "| attack | tries | would win | gets |", "|---|---|---|---|"]
        rows += [f"| {' | '.join(map(_cell, _row(one)))} |" for one in found]
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def _row(attack: Attack) -> tuple[str, ...]:
    points = f"{attack.points:g}" + (f" to {attack.points_to:g}" if attack.points_to else "")
    flag = ", flagged for staff" if attack.flagged else ""
    verdict = f"{points} of {MOST[attack.assignment]}, {attack.status}{flag}"
    named = [limit or "none" for limit in attack.limits]
    limits = f", limit {' or '.join(named)}" if named else ""
    return attack.title, attack.tries, attack.wins, f"{verdict}{limits}"


def _cell(text: str) -> str:
    """Escape what Markdown would take for its own, but in code."""
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    parts[::2] = [re.sub(r"([*<>_\[\]])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def collected_table(attacks: list[collected.Collected]) -> str:
    """Return a Markdown table of the attacks on `pawgrade collect`."""
    rows = ["| attack | tries | would win | gets |", "|---|---|---|---|"]
    rows += [
        f"| {' | '.join(map(_cell, (attack.title, attack.tries, attack.wins, attack.gets)))} |"
        for attack in attacks
    ]
    return "\n".join(rows)


def page(text: str) -> str:
    """Return the page with its tables made anew."""
    text = _between(text, BEGIN, END, tables(read_all()))
    return _between(text, BEGIN_COLLECTED, END_COLLECTED, collected_table(collected.read_all()))


def _between(text: str, begin: str, end: str, content: str) -> str:
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n\n{content}\n\n{end}{tail}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
