"""Regions that students do not get: which lines they hold, and delimiters that do not fit together."""

from __future__ import annotations

import pytest

from grader.notebooks.regions import HIDDEN_TESTS, REGIONS, Region, inside, unbalanced

REGION = Region("ClearHiddenTests", "# <hidden>", "# </hidden>")


def test_lines_between_the_delimiters_are_inside() -> None:
    source = "a\n# <hidden>\nb\n\n  c\n# </hidden>\nd\n# <hidden>\ne\n# </hidden>"

    assert inside(source, REGION) == ["b", "", "  c", "e"]
    assert list(unbalanced(source, REGION)) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a\n# </hidden>", "'# </hidden>' without '# <hidden>' before it"),
        ("# <hidden>\na", "'# <hidden>' without '# </hidden>' after it"),
        ("# <hidden>\n# <hidden>\n# </hidden>", "'# <hidden>' is there again before '# </hidden>'"),
    ],
)
def test_a_delimiter_without_its_other_one_is_named(source: str, words: str) -> None:
    assert list(unbalanced(source, REGION)) == [words]


def test_the_delimiters_are_nbgraders_where_a_course_sets_none() -> None:
    from traitlets.config import Config

    from grader.gradebook.conversion import regions

    assert regions(Config()) == REGIONS
    assert HIDDEN_TESTS in REGIONS
