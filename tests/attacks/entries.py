"""The entries of the corpus: one TOML file an attack, `corpus/<family>/<name>.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
FAMILIES = {
    "lying": "Objects that lie",
    "patched": "Patched libraries and hooks",
    "forged": "Forged results, answers and messages",
    "exits": "Early ends",
    "reading": "Reading what is not theirs",
    "writing": "Writing where it does not belong",
    "processes": "Processes, loops and floods",
    "network": "Network",
    "returned": "Bombs and poison in what comes back",
    "lookup": "Look-up tables of known images",
    "feedback": "Messages through what feedback tells",
    "notebooks": "Damaged, huge and foreign notebooks",
}


@dataclass(frozen=True)
class Attack:
    """One attack and the verdict that it must get.

    Attributes:
        family: folder, a key of `FAMILIES`.
        name: the file's name without its ending.
        title: what it is, in a few words.
        tries: what it does.
        wins: what it would win where the grader runs in the notebook's process, or believes what comes out of it.
        points: what it must get, exactly.
        points_to: the most that it may get, where luck decides: crops of hidden photos differ from secret to secret.
        loses: exercises that must not get full points; all others must get them.
        status: `FAILED`, or `PASSED` for what is odd but honest and for what cannot be told from honest work.
        limits: the limits one of which must be reported, or "" for none; empty: none.
        says: words that must stand in what the student is told.
        hides: words that must not stand in any output that a browser renders.
        flagged: whether staff must be told that it is too good to be true.
        finds: secrets that it finds where nothing keeps them from it: the proof that it can find them.
        cells: new sources by `grade_id`.
        builder: name of the function in `builders` that hands it in, or "" for the solved notebook with `cells`.
        table: which table of known images its cells are given, or "".
        assignment: `attacks`, or `lookup`.
        needs_root: why it is only run as root; "" when it is run by everybody.
    """

    family: str
    name: str
    title: str
    tries: str
    wins: str
    points: float
    points_to: float = 0.0
    loses: tuple[str, ...] = ()
    status: str = "FAILED"
    limits: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    flagged: bool = False
    finds: tuple[str, ...] = ()
    cells: dict[str, str] = field(default_factory=dict)
    builder: str = ""
    table: str = ""
    assignment: str = "attacks"
    needs_root: str = ""

    @property
    def id(self) -> str:
        return f"{self.family}/{self.name}"


def read_attack(path: Path) -> Attack:
    """Read an entry; raises ValueError when a key is unknown or it hands nothing in."""
    facts = tomllib.loads(path.read_text(encoding="utf-8"))
    unknown = sorted(set(facts) - {one.name for one in fields(Attack)} | {"family", "name"} & set(facts))
    if unknown:
        raise ValueError(f"{path}: unknown key {unknown[0]!r}")
    lists = {key: tuple(value) for key, value in facts.items() if isinstance(value, list)}
    attack = Attack(path.parent.name, path.stem, **{**facts, **lists})
    if attack.family not in FAMILIES or not (attack.cells or attack.builder):
        raise ValueError(f"{path}: expected a known family, and cells or a builder")
    return attack


def read_all() -> list[Attack]:
    """Read the whole corpus, by family in the order of `FAMILIES`, then by name."""
    found = [read_attack(path) for path in sorted(CORPUS.glob("*/*.toml"))]
    order = list(FAMILIES)
    return sorted(found, key=lambda attack: (order.index(attack.family), attack.name))
