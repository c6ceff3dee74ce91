"""A variant is the source with some cells replaced, and its header is read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.authoring import variants
from grader.errors import SpecError
from grader.notebooks.cells import grade_id
from tests.support.notebooks import REPOSITORY, source_notebook

GOOD = """\
# /// pawgrade
# title = "Thrice a number"
# student = "student04"
# loses = ["double"]
# ///
# %% [double_answer]
def double(number):
    return 3 * number


# %% [square_answer]
square = abs
"""


def read(folder: Path, text: str) -> variants.Variant:
    path = folder / "thrice.py"
    path.write_text(text)
    return variants.read_variant(path)


def test_a_variant_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)

    assert (found.name, found.title, found.student) == ("thrice", "Thrice a number", "student04")
    assert found.loses == ("double",)
    assert found.cells == {
        "double_answer": "def double(number):\n    return 3 * number",
        "square_answer": "square = abs",
    }


def test_a_variant_that_loses_nothing_is_a_mutant_and_one_that_says_nothing_a_recipe(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD.replace('["double"]', "[]")).loses == ()
    assert read(tmp_path, GOOD.replace('# loses = ["double"]\n', "")).loses is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("# /// pawgrade", "# /// script", "expected a header"),
        ("# ///\n", "", "expected a header"),
        ('"Thrice a number"', "Thrice", "not valid TOML"),
        ('# title = "Thrice a number"\n', "", "expected a title"),
        ("# loses =", "# looses =", "unknown key 'looses'.*loses"),
        ('["double"]', '"double"', "loses: expected a list.*'double'"),
        ("# %% [", "# %% ", "at least one cell"),
    ],
)
def test_a_mistake_in_a_variant_is_told_with_its_file(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(SpecError, match=rf"thrice\.py: .*{words}"):
        read(tmp_path, GOOD.replace(old, new))


def test_applying_a_variant_replaces_its_cells_and_no_others(tmp_path: Path) -> None:
    source = source_notebook()

    found = variants.apply(read(tmp_path, GOOD), source, source)

    changed = [
        grade_id(new) for new, old in zip(found.cells, source.cells, strict=True) if new.source != old.source
    ]
    assert changed == ["double_answer", "square_answer"]
    assert source == source_notebook()


def test_a_variant_of_a_cell_that_is_not_there_is_told(tmp_path: Path) -> None:
    variant = read(tmp_path, GOOD.replace("square_answer", "cube_answer"))

    with pytest.raises(SpecError, match="variant thrice.*no cell 'cube_answer'"):
        variants.apply(variant, source_notebook(), source_notebook())


@pytest.mark.parametrize("kind", ["mutants", "recipes"])
@pytest.mark.parametrize("folder", sorted((REPOSITORY / "solutions").glob("*/staff")), ids=str)
def test_the_variants_of_this_course_fit_their_notebooks(folder: Path, kind: str) -> None:
    import nbformat

    source = nbformat.read(folder.parent / f"{folder.parent.name}.ipynb", as_version=4)

    for variant in variants.read_variants(folder.parent, kind):
        variants.apply(variant, source, source)
        assert (variant.loses is None) == (kind == "recipes")
