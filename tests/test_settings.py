"""Settings come from the course, then from the environment; the secret is drawn once and kept."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grader import settings
from grader.errors import SpecError
from grader.settings import Settings, assignments_named, course_secret, load


def course_with(folder: Path, text: str) -> Path:
    (folder / "pawgrade.toml").write_text(text)
    return folder


def test_without_a_file_or_variables_there_are_defaults() -> None:
    found = load(None, {})

    assert (found.kernel, found.sandbox, found.seed, found.device) == ("", "namespaces", 0, "auto")
    assert found.counts == "latest"
    assert (found.data_folder, found.secret, found.db_url) == (None, None, None)
    assert (found.devices, found.gpu_slots) == (None, 1)


def test_a_course_chooses_its_settings(tmp_path: Path) -> None:
    text = 'seed = 7\ndevice = "cuda"\ncounts = "best"\nkernel = "other"\ndb_url = "sqlite:///x.db"'

    found = load(course_with(tmp_path, text), {})

    assert (found.seed, found.device, found.counts) == (7, "cuda", "best")
    assert (found.kernel, found.db_url) == ("other", "sqlite:///x.db")


def test_scored_attempts_and_the_ladder_are_chosen(tmp_path: Path) -> None:
    found = load(course_with(tmp_path, "attempts = 3\nladder = 0.08"), {"PAWGRADE_ATTEMPTS": "0"})

    assert (found.attempts, found.ladder) == (0, 0.08)
    assert (load(None, {}).attempts, load(None, {}).ladder) == (5, 0.0)


def test_the_environment_wins(tmp_path: Path) -> None:
    environment = {"PAWGRADE_SEED": "9", "PAWGRADE_DATA": str(tmp_path), "PAWGRADE_SECRET": "s" * 20}

    found = load(course_with(tmp_path, 'seed = 7\ncache = "here"'), environment)

    assert (found.seed, found.cache) == (9, tmp_path / "here")
    assert found.data_folder == tmp_path.resolve()
    assert found.secret == b"s" * 20


def test_an_empty_variable_is_no_setting(tmp_path: Path) -> None:
    assert load(course_with(tmp_path, "seed = 7"), {"PAWGRADE_SEED": "", "PAWGRADE_DATA": ""}).seed == 7


def test_variables_of_others_are_not_read() -> None:
    assert load(None, {"SEED": "5", "PAWGRADE_DATA_FOLDER": "/x", "pawgrade_seed": "5"}) == load(None, {})


def test_a_home_folder_is_found() -> None:
    assert load(None, {"PAWGRADE_CACHE": "~/x"}).cache == Path.home() / "x"
    assert load(None, {"PAWGRADE_WEIGHTS": "~/x"}).weights == (Path.home() / "x").resolve()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sed = 7", ["pawgrade.toml", "'sed'", "seed"]),
        ('data_folder = "x"', ["'data_folder'", "data"]),
        ("seed = ", ["pawgrade.toml", "not valid TOML"]),
        ('seed = "many"', ["seed", "whole number", "'many'"]),
        ("seed = 1.5", ["seed", "'1.5'"]),
        ("seed = true", ["seed", "'True'"]),
        ("seed = -1", ["seed", "-1"]),
        (f"seed = {2**32}", ["seed", str(2**32)]),
        ('device = "tpu"', ["device", "auto, cpu or cuda", "'tpu'"]),
        ("gpu_slots = 0", ["gpu_slots", "1 to 64", "'0'"]),
        ("gpu_slots = -1", ["gpu_slots", "'-1'"]),
        ('gpu_slots = "two"', ["gpu_slots", "'two'"]),
        ('counts = "worst"', ["counts", "latest or best", "'worst'"]),
        ("attempts = -1", ["attempts", "-1"]),
        ("attempts = 2.5", ["attempts", "whole number", "'2.5'"]),
        ("ladder = 0.9", ["ladder", "0.5", "0.9"]),
        ("ladder = nan", ["ladder", "nan"]),
        ('ladder = "small"', ["ladder", "a number", "'small'"]),
    ],
)
def test_a_wrong_setting_is_told(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        load(course_with(tmp_path, text), {})

    assert [word for word in words if word not in str(caught.value)] == []


def test_the_order_of_assignments_is_the_courses_and_no_variables(tmp_path: Path) -> None:
    course = course_with(tmp_path, 'order = ["b", "a"]\nseed = 3')

    assert load(course, {"PAWGRADE_ORDER": "c"}).seed == 3
    assert assignments_named(course, "order") == ("b", "a")
    assert assignments_named(course, "demo") == ()
    assert assignments_named(tmp_path / "no course", "order") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('order = "a"', ["pawgrade.toml", "setting order", "list", "'a'"]),
        ("order = [1, 2]", ["setting order", "[1, 2]"]),
        ('order = ["a", ""]', ["setting order", "['a', '']"]),
        ('order = ["a", "b", "a"]', ["setting order", "once", "'a'"]),
        ("order = [", ["pawgrade.toml", "not valid TOML"]),
    ],
)
def test_an_order_that_is_no_list_of_ids_is_told(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        assignments_named(course_with(tmp_path, text), "order")

    assert [word for word in words if word not in str(caught.value)] == []


def test_a_settings_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "pawgrade.toml").write_bytes(b"\xff\xff")

    with pytest.raises(SpecError, match="not valid TOML"):
        load(tmp_path, {})


SETTINGS = Settings(data_folder=None, cache=Path("cache"))


def test_the_secret_is_drawn_once_and_used_again(tmp_path: Path) -> None:
    first = course_secret(tmp_path, SETTINGS)

    assert course_secret(tmp_path, SETTINGS) == first
    assert len(first) >= 32


def test_two_courses_have_two_secrets(tmp_path: Path) -> None:
    assert course_secret(tmp_path / "a", SETTINGS) != course_secret(tmp_path / "b", SETTINGS)


def test_only_its_owner_can_read_the_secret(tmp_path: Path) -> None:
    course_secret(tmp_path, SETTINGS)

    mode = (tmp_path / ".pawgrade" / "secret").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_secret_that_was_chosen_leaves_no_file(tmp_path: Path) -> None:
    chosen = Settings(data_folder=None, cache=Path("cache"), secret=b"chosen")

    assert course_secret(tmp_path, chosen) == b"chosen"
    assert not (tmp_path / ".pawgrade").exists()


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b" " * 40])
def test_a_damaged_secret_is_an_error_and_is_not_replaced(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SECRET_S", 0.0)
    course_secret(tmp_path, SETTINGS)
    path = tmp_path / ".pawgrade" / "secret"
    path.write_bytes(content)

    with pytest.raises(SpecError, match="Put the old secret back"):
        course_secret(tmp_path, SETTINGS)

    assert path.read_bytes() == content


def test_a_line_break_at_the_end_of_the_secret_does_not_matter(tmp_path: Path) -> None:
    first = course_secret(tmp_path, SETTINGS)
    path = tmp_path / ".pawgrade" / "secret"
    path.write_bytes(path.read_bytes() + b"\n")

    assert course_secret(tmp_path, SETTINGS) == first


def test_a_secret_that_another_process_is_writing_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".pawgrade").mkdir()
    path = tmp_path / ".pawgrade" / "secret"
    path.touch()

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(course_secret, tmp_path, SETTINGS)
        path.write_bytes(b"0123456789abcdef")

        assert waiting.result(timeout=30) == b"0123456789abcdef"
