"""What notebooks import, used as a notebook uses it: names in a namespace, verdicts in print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader import kernel_env, lab
from grader.errors import SpecError


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch, toy_cache: Path, tmp_path: Path) -> dict[str, Any]:
    """A fresh namespace, in an empty folder, with the lab set up on toy pets."""
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    monkeypatch.delenv("PAWGRADE_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    lab.setup(scratch_dir=str(tmp_path), seed=3)
    return {"lab": lab, "np": np}


def test_the_photos_are_public_ones_and_seeds_make_draws_repeat(notebook: dict[str, Any]) -> None:
    train, validation = lab.photos("train"), lab.photos("validation")
    first = np.random.rand()  # noqa: NPY002 - students do
    lab.setup(seed=3)

    assert train.images.shape[1:] == (224, 224, 3)
    assert set(train.names).isdisjoint(validation.names)
    assert len(lab.breeds()) == len(lab.species()) == 35
    assert sum(lab.species()) == 12
    assert "drawn" in lab.card()
    assert np.random.rand() == first  # noqa: NPY002


def test_the_holdout_is_not_to_be_had(notebook: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="train"):
        lab.photos("holdout")


def test_a_grid_of_photos_is_drawn(notebook: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import pyplot

    monkeypatch.setattr(pyplot, "show", lambda: None)
    pyplot.switch_backend("Agg")

    lab.show([lab.cat_photo()] * 3, titles=["a", "b", "c"], columns=2)

    assert len(pyplot.gcf().axes) == 4
    pyplot.close("all")


def test_a_notebook_can_ask_which_networks_are_there(
    notebook: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAWGRADE_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("PAWGRADE_WEIGHTS", raising=False)

    assert lab.available("efficientnet_lite0")
    assert lab.available("efficientnet_lite1")
    assert not lab.available("vgg16")
    with pytest.raises(SpecError, match="resnet18.*found 'vgg61'"):
        lab.available("vgg61")


def test_the_network_names_the_cat(notebook: dict[str, Any]) -> None:
    scores = lab.backbone().logits(lab.cat_photo()[None])

    best = [lab.imagenet_classes()[int(place)] for place in scores[0].argsort(descending=True)[:5]]

    assert any("cat" in name or "tabby" in name for name in best)


@pytest.mark.parametrize("how", ["data", "variable"])
def test_a_notebook_that_is_graded_is_judged_afterwards(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:

    assert (lab.GRADED_DATA, lab.GRADED_VARIABLE) == (kernel_env.DATA, kernel_env.LEASE_VARIABLE)
    names = {"lab": lab, "data_dir": kernel_env.DATA if how == "data" else "somewhere"}
    if how == "variable":
        monkeypatch.setenv(kernel_env.LEASE_VARIABLE, "x")

    exec("lab.check('normalise')", names)  # noqa: S102 - as a cell does

    assert "judged when the notebook has run" in capsys.readouterr().out
    with pytest.raises(SpecError, match="no arguments while a notebook is graded"):
        exec("lab.call('normalise')", names)  # noqa: S102 - as a cell does


def test_what_comes_back_while_a_notebook_is_graded_has_the_same_fields(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(kernel_env.LEASE_VARIABLE, "x")

    later = lab.check()

    assert (later.points, later.max_points, later.passed, later.checks) == (0, 0, False, ())
    later.show()
    assert "all exercises" in capsys.readouterr().out


def test_tab_shows_what_students_use(notebook: dict[str, Any]) -> None:
    assert dir(lab) == sorted(lab.__all__)
    assert len(dir(lab)) <= 16
    assert all(callable(getattr(lab, name)) for name in dir(lab))


def test_our_own_errors_are_shown_in_ipython_without_a_traceback(
    notebook: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config({"HistoryManager": {"hist_file": ":memory:"}})
    shell = InteractiveShell.instance(config=config)
    try:
        shell.user_ns["lab"] = lab
        shell.run_cell("lab.check('no_such_exercise')")
    finally:
        InteractiveShell.clear_instance()

    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert text.strip().startswith("SpecError: lab.check: found no check_public.py")
    assert len(text.strip().splitlines()) == 2
