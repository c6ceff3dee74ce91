"""A copy of code has its shape, whatever its variables are called; other code, and little of it, has not."""

from __future__ import annotations

import pytest

from grader.notebooks.shapes import shapes

ORIGINAL = '''\
def smooth(images, kernel=3):
    """Return the images, smoothed."""
    height, width = images.shape[1:3]
    total = np.zeros_like(images, dtype=float)
    for row in range(kernel):
        for column in range(kernel):
            total += padded(images, kernel)[:, row:row + height, column:column + width]
    return np.clip(total / kernel**2, 0, 255).astype(np.uint8)
'''
BODY = set(range(3, 9))


def renamed(*names: tuple[str, str], source: str = ORIGINAL) -> str:
    for old, new in names:
        source = source.replace(old, new)
    return source


@pytest.mark.parametrize(
    "copy",
    [
        ORIGINAL,
        renamed(("total", "summe"), ("height", "h"), ("width", "w")),
        renamed(("images", "photos"), ("row", "i"), ("column", "j")),
        renamed(("dtype=float)", "dtype=float)  # start"), ('"""Return the images, smoothed."""', "pass")),
        renamed(("    total = np", "    total: np.ndarray = np"), source=ORIGINAL).replace(
            ": np.ndarray", ""
        ),
        f"%matplotlib inline\n{ORIGINAL}",
    ],
)
def test_a_copy_under_other_names_has_the_shape(copy: str) -> None:
    assert shapes(ORIGINAL, BODY).keys() & shapes(copy).keys()


@pytest.mark.parametrize(
    "other",
    [
        renamed(("zeros_like", "ones_like"), ("astype", "view")),
        renamed(("padded", "rolled"), ("255", "1")),
        renamed(("kernel**2", "kernel"), ("range(kernel)", "range(1, kernel)")),
        renamed(("row:row + height", "column:row + height")),
        "x = 1\ny = 2\nz = 3\nw = 4\n",
        "no Python",
        "",
    ],
)
def test_code_that_does_something_else_has_another_shape(other: str) -> None:
    assert not shapes(ORIGINAL, BODY).keys() & shapes(other).keys()


def test_only_lines_that_count_make_a_shape_and_few_statements_make_none() -> None:
    step = "optimizer.zero_grad()\nloss = criterion(net(inputs), labels)\nloss.backward()\noptimizer.step()\n"

    assert shapes(ORIGINAL, {3, 4}) == {}
    assert shapes(ORIGINAL, set()) == {}
    assert shapes(step) == {}
    assert min(shapes(ORIGINAL, BODY).values()) == 3


def test_two_variables_exchanged_make_another_shape() -> None:
    once = "\n".join(
        f"a{n} = first(b{n - 1}, c) * 2 + {n}\nb{n} = second(a{n}, c) - a{n} / {n}" for n in (1, 2, 3)
    )
    twice = once.replace("second(a2, c)", "second(c, a2)")

    assert shapes(once)
    assert not shapes(once).keys() & shapes(twice).keys()


def test_what_cannot_be_parsed_or_is_huge_has_none() -> None:
    assert shapes("(" * 10_000) == {}
    assert shapes(ORIGINAL * 2_000) == {}
