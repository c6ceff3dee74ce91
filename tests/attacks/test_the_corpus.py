"""The corpus itself: it can find what it looks for, it covers every family, and its page is up to date."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys

import pytest

from tests.attacks import builders, table
from tests.attacks.entries import FAMILIES, Attack, read_all
from tests.attacks.world import LOOT, PATTERN, World

ATTACKS = read_all()


def test_there_are_attacks_of_every_family() -> None:
    assert {attack.family for attack in ATTACKS} == set(FAMILIES)
    assert len(ATTACKS) >= 45
    assert len({attack.title for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.builder], ids=lambda attack: attack.id)
def test_a_builder_exists(attack: Attack) -> None:
    assert callable(getattr(builders, attack.builder))


def test_the_page_is_up_to_date() -> None:
    text = table.PAGE.read_text(encoding="utf-8")

    assert table.page(text) == text, "run `python -m tests.attacks.table`"


@pytest.mark.slow
@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.finds], ids=lambda attack: attack.id)
def test_without_a_sandbox_it_finds_what_it_looks_for(attack: Attack, world: World) -> None:
    handed_in = world.course / "submitted" / "student02" / "attacks"
    handed_in.mkdir(parents=True, exist_ok=True)
    (handed_in / "attacks.ipynb").write_text(world.canary("other"))
    code = "\n".join(world.told(cell) for cell in attack.cells.values())

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=world.place,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )

    found = {secret.split("-")[1] for secret in PATTERN.findall(done.stdout)}
    assert found >= set(attack.finds), done.stderr


def test_secrets_are_recognised(world: World) -> None:
    printed = subprocess.run(
        [sys.executable, "-c", f"{LOOT}\nloot({world.canary('home')!r} + 'x')"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert PATTERN.findall(printed.stdout) == [world.canary("home")]


def missing(code: str) -> list[str]:
    """Name what a text says of our package that is not there: an attack on it could not win, and proves nothing."""
    names = set(re.findall(r"\bgrader(?:\.[a-z_]\w*)+", code))
    for listed in re.findall(r"for name in (\(.*?\)):\n    fake", code):
        names |= {f"grader.{name}" for name in ast.literal_eval(listed)}
    return sorted(name for name in names if not exists(name))


def exists(name: str) -> bool:
    """Whether a module is there, or a module with such an attribute."""
    module, _, attribute = name.rpartition(".")
    try:
        if importlib.util.find_spec(name) is not None:
            return True
    except ModuleNotFoundError:
        pass
    return bool(module) and exists(module) and hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
def test_what_an_attack_names_of_the_grader_exists(attack: Attack) -> None:
    assert missing("\n".join(attack.cells.values())) == []


@pytest.mark.parametrize(
    "name", ["grader.pytest_plugin", "grader.judging.nowhere", "grader.checks.session.nobody"]
)
def test_an_attack_on_what_is_not_there_is_named(name: str) -> None:
    (attack,) = (one for one in ATTACKS if one.id == "patched/grader_module")
    code = attack.cells["classify-code"]

    assert missing(code + f"\nimport sys\nsys.modules['{name}'] = None\n") == [name]
    assert missing(code.replace('"checks.session"', '"checks.sessions"')) == ["grader.checks.sessions"]
