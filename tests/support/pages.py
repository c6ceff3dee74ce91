"""Grades, notebooks and hostile words for the tests of what people see."""

from __future__ import annotations

import base64
import functools
import io
import json
import re
from collections.abc import Mapping
from typing import Any

import nbformat
import numpy as np
import numpy.typing as npt
from PIL import Image

from grader.checks.images import packed
from grader.datasets.photos import cat_photo
from grader.feedback.figures import Draw
from grader.feedback.picture_files import load_pictures
from grader.messages import Message
from grader.records import (
    Check,
    ExerciseGrade,
    FailedCell,
    Grade,
    Limit,
    Picture,
    Repair,
    Seconds,
    StaffNotes,
    Status,
)
from tests.support.notebooks import REPOSITORY

BREEDS = re.findall(
    r"\w+",
    "abyssinian american basset beagle bengal birman bombay boxer british chihuahua egyptian english german great"
    " havanese japanese keeshond leonberger maine miniature newfoundland persian pomeranian pug ragdoll russian"
    " saint samoyed scottish shiba siamese sphynx staffordshire wheaten yorkshire",
)


def stored(notebook: Mapping[str, Any]) -> bytes:
    """Return a notebook as it lies in an attempt."""
    return json.dumps(notebook).encode()


def confusion_matrix(seed: int = 7, photos: int = 6) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    answers = np.where(
        rng.random((35, photos)) < 0.88, np.arange(35)[:, None], rng.integers(35, size=(35, photos))
    )
    matrix = np.zeros((35, 35), np.int64)
    np.add.at(matrix, (np.repeat(np.arange(35), photos), answers.ravel()), 1)
    return matrix


def confusion_picture() -> Picture:
    content = {"matrix": confusion_matrix().tolist(), "names": BREEDS, "measured on": "210 holdout photos"}
    return Picture("confusion", "Who is taken for whom", content)


def noise(seed: int, low: int = 0, high: int = 256) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).integers(low, high, (224, 224, 3))


def attack_row(**changes: Any) -> dict[str, Any]:
    """Return the CC0 cat, changed by up to four grey levels."""
    changed = np.clip(cat_photo() + noise(3, -4, 5), 0, 255).astype(np.uint8)
    names = ("tabby", "Egyptian cat", "tiger cat", "lynx", "golden retriever")
    row: dict[str, Any] = {
        "photo": cat_photo(),
        "adversarial": changed,
        "target": "golden retriever",
        "epsilon": 4,
        "largest": 4,
    }
    row |= {"before": list(zip(names, (0.5, 0.3, 0.1, 0.02, 0.0001), strict=True))}
    row |= {"after": list(zip(names[::-1], (0.9984, 0.001, 0.0003, 0.0002, 0.0001), strict=True))}
    return row | changes


def ideal_row(**changes: Any) -> dict[str, Any]:
    """Return noise and milder noise, as if a network took them for a cat."""
    row: dict[str, Any] = {
        "name": "Siamese cat",
        "plain": noise(4).astype(np.uint8),
        "smooth": noise(5, 80, 176).astype(np.uint8),
    }
    row |= {"p_plain": 0.994, "p_smooth": 0.97, "variation_plain": 0.333, "variation_smooth": 0.125}
    row |= {"ratio": 0.53, "at_most": 0.7, "shift_px": [0, -3, 3], "shift_plain": [0.994, 0.02, 0.03]}
    return row | {"shift_smooth": [0.97, 0.91, 0.6]} | changes


def layers() -> list[dict[str, Any]]:
    sides = {"stem": 112, "early": 56, "middle": 14, "late": 7}
    return [
        {"name": name, "maps": [noise(place)[:side, :side, 0].tolist() for place in range(8)]}
        for name, side in sides.items()
    ]


def values() -> list[dict[str, Any]]:
    return [
        {"name": "one grey", "found": 0.0, "required": 0.0},
        {"name": "stripes", "found": 0.25, "required": 0.5},
        {"name": "noise", "found": float("nan"), "required": 0.3333},
    ]


@functools.cache
def own_pictures() -> Mapping[str, Draw]:
    """Return what draws the pictures of all assignments of this course."""
    folders = sorted((REPOSITORY / "solutions").glob("*/"))
    return {kind: draw for folder in folders for kind, draw in load_pictures(folder).items()}


def lab_pictures() -> tuple[Picture, ...]:
    """Return a picture of every kind that an assignment draws itself, as full as they get."""
    second = attack_row()["before"]
    contents: dict[str, dict[str, Any]] = {
        "attacks": {"rows": [attack_row(second=second), attack_row(largest=5), attack_row(epsilon=8)]},
        "ideal_images": {"rows": [ideal_row(), ideal_row(name="zebra", ratio=0.9)]},
        "feature_maps": {"photo": cat_photo(), "layers": layers()},
        "map_strips": {"photo": cat_photo(), "layers": layers()},
        "variation": {"rows": values(), "tolerance": 1e-4},
    }
    return tuple(Picture(kind, f"The {kind}", packed(content)) for kind, content in contents.items())


def fitting_pictures() -> tuple[Picture, ...]:
    """Return those of `lab_pictures` for which one page has room; no assignment draws more of them."""
    return tuple(picture for picture in lab_pictures() if picture.kind != "map_strips")


class DrawnPhotos:
    """Public photos, drawn: a disc of one colour for each breed."""

    def photos(self, breed: str, count: int) -> list[npt.NDArray[np.uint8]]:
        shift = sum(map(ord, breed))
        rows, columns = np.mgrid[:224, :224]
        disc = ((rows - 112) ** 2 + (columns - 112) ** 2 < 70**2)[..., None]
        colours = [np.array([shift * 37 % 256, (shift * 91 + 60 * k) % 256, 140]) for k in range(count)]
        return [np.where(disc, colour, 225 - colour // 8).astype(np.uint8) for colour in colours]


def png(width: int = 240, height: int = 90, mode: str = "PNG") -> str:
    ramp = np.linspace(20, 235, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(ramp).save(buffer, mode)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def grade(**changes: Any) -> Grade:
    """Return a grade with something of everything."""
    exercises = (
        ExerciseGrade("split", Status.PASSED, 10, 10, "A split without leakage"),
        ExerciseGrade("normalise", Status.FAILED, 0, 10, "Pixels as the network saw them"),
        ExerciseGrade("breeds", Status.FAILED, 22.5, 30, "Name the breed"),
        ExerciseGrade("mirror", Status.SKIPPED, 0, 5, "A mirrored pet is the same pet"),
        ExerciseGrade("species", Status.ERROR, 0, 5, "Cats are not dogs"),
    )
    checks = (
        Check(
            "split_ready",
            "split",
            Status.PASSED,
            0,
            0,
            Message("a mask of 416 photos"),
            Message("a bool mask"),
            Message(""),
            "The mask is there",
        ),
        Check(
            "split_fair",
            "split",
            Status.PASSED,
            10,
            10,
            Message("6 photos of each breed"),
            Message("6 photos of each breed"),
            Message(""),
            "Each breed gives the same number of photos",
        ),
        Check(
            "normalise",
            "normalise",
            Status.FAILED,
            0,
            10,
            Message("values from 0.00 to 1.00"),
            Message("values from -0.99 to 1.00"),
            Message.of(
                "This network wants (255 x - 127) / 128, with x in [0, 1]; ask lab.backbone().normalisation."
            ),
            "preprocess feeds the network what it was trained on",
        ),
        Check(
            "breeds",
            "breeds",
            Status.FAILED,
            22.5,
            30,
            Message("top-1 accuracy 0.75 (158 of 210; between 0.69 and 0.81)"),
            Message("0.82 for full points, 0.55 for the first"),
            Message.of(
                "Is the head trained on normalised images? Look at the pairs that are confused most often."
            ),
            "The breed of a photo your network has not seen",
        ),
        Check(
            "mirror",
            "mirror",
            Status.SKIPPED,
            0,
            5,
            Message(""),
            Message("0.90 of the photos"),
            Message("It is judged when preprocess is right."),
            "A mirrored photo gets the same breed",
        ),
        Check(
            "species",
            "species",
            Status.ERROR,
            0,
            5,
            Message(""),
            Message("0.95"),
            Message("You need not do anything."),
            "Cat or dog",
        ),
    )
    values: dict[str, Any] = {
        "student": "student01",
        "assignment": "oxford_pets",
        "attempt": "3f9a1c7e52d0",
        "status": Status.PASSED,
        "points": 67.5,
        "max_points": 90,
        "manual_points": None,
        "passed": True,
        "exercises": exercises,
        "checks": checks,
        "failed_cells": (FailedCell(4, 2, "model", "NameError", Message("name 'backbone' is not defined")),),
        "limit": None,
        "seconds": Seconds(0.4, 0.09, 41.2, 12.6, 1.3, 55.6),
        "sandbox": "namespaces",
        "device": "cpu",
        "seed": 7,
        "data": "oxford_pets",
        "repairs": (
            Repair("breeds", Message("The locked test cell had been changed; the original was put back.")),
        ),
        "notices": (
            Message("weights.pt beside the notebook was ignored: this assignment takes the notebook only."),
        ),
        "pictures": (confusion_picture(),),
        "provenance": {"package": "0.1.0", "split": "secret-split", "graded_at": "2025-03-14 09:26"},
        "staff": StaffNotes(log="Traceback of the grader, for staff only"),
    }
    return Grade(**{**values, **changes})


def limited(**changes: Any) -> Grade:
    cell = FailedCell(4, 2, None, "limit: cell", Message("the cell ran for more than 240 s"), Limit.CELL)
    return grade(limit=Limit.CELL, failed_cells=(cell,), **changes)


TABLE = (
    '<style scoped>td {color: red}</style><table border="1" class="dataframe"><thead><tr style="text-align: right;">'
    "<th></th><th>breed</th><th>photos</th><th>accuracy</th></tr></thead><tbody><tr><th>0</th><td>abyssinian</td>"
    "<td>12</td><td>0.92</td></tr><tr><th>1</th><td>american</td><td>24</td><td>0.71</td></tr></tbody></table>"
)
TRACEBACK = (
    "\x1b[0;31m---------------------------------------------------------------------------\x1b[0m",
    "\x1b[0;31mNameError\x1b[0m                                 Traceback (most recent call last)",
    "Cell \x1b[0;32mIn[2], line 3\x1b[0m\n\x1b[1;32m----> 3\x1b[0m features = backbone(images)",
    "\x1b[0;31mNameError\x1b[0m: name 'backbone' is not defined",
)


def notebook() -> Any:
    """Return an executed notebook as an honest student leaves it."""
    v4 = nbformat.v4
    tests = {
        "nbgrader": {"grade": True, "grade_id": "breeds", "locked": True, "points": 30, "schema_version": 3}
    }
    tests["nbgrader"] |= {"solution": False, "task": False, "cell_type": "code"}
    bar = "".join(f"\rfeatures: {done}/13 batches" for done in range(14)) + "\ndone\n"
    return v4.new_notebook(
        cells=[
            v4.new_markdown_cell(
                "# The 35-breed lab\nA network trained on **ImageNet** has seen pets, so $p(y|x)$ starts *warm*.\n\n"
                "- features once\n- a head on top: `a<b` and a < b\n\n| step | photos |\n|---|---|\n| train | 416 |\n\n"
                "```python\nfor photo in photos:\n    show(photo)\n```\n"
            ),
            v4.new_code_cell(
                "import numpy as np\n\n\ndef preprocess(images: np.ndarray) -> np.ndarray:\n"
                '    """Scale to [0, 1]."""\n    return images.transpose(0, 3, 1, 2) / 255.0  # what the network sees\n',
                execution_count=1,
                outputs=[
                    v4.new_output("stream", name="stdout", text=bar),
                    v4.new_output("stream", name="stderr", text="UserWarning: the weights are from 2020\n"),
                    v4.new_output(
                        "execute_result", {"text/html": TABLE, "text/plain": "a table"}, execution_count=1
                    ),
                    v4.new_output(
                        "display_data", {"image/png": png(), "text/plain": "<Figure size 640x480>"}
                    ),
                ],
            ),
            v4.new_markdown_cell("## Features\nNow the features, once for *all* photos."),
            v4.new_raw_cell("a raw cell"),
            v4.new_code_cell(
                "images = lab.images('train')\n\nfeatures = backbone(images)",
                execution_count=2,
                outputs=[
                    v4.new_output(
                        "error",
                        ename="NameError",
                        evalue="name 'backbone' is not defined",
                        traceback=list(TRACEBACK),
                    )
                ],
            ),
            v4.new_code_cell('lab.check("breeds")', metadata=tests, execution_count=3),
        ]
    )


# Each of these tries to call window.pwn, to load something, or to leave the place it is shown in.
_CALL = "pwn()"
HOSTILE = (
    f"<script>{_CALL}</script>",
    f"<img src=x onerror={_CALL}>",
    f'<img src="https://evil.example/pixel.png" onerror="{_CALL}">',
    f"</style><script>{_CALL}</script>",
    f"</title></textarea></pre></code><script>{_CALL}</script>",
    f"<svg onload={_CALL}><animate onbegin={_CALL} attributeName=x dur=1s></svg>",
    f"<svg><style><img src=x onerror={_CALL}></style></svg>",
    f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={_CALL}&gt;'>",
    f'<noscript><p title="</noscript><img src=x onerror={_CALL}>">',
    f'<iframe srcdoc="<script>parent.{_CALL}</script>"></iframe><iframe src="javascript:parent.{_CALL}"></iframe>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example/refresh">',
    f'<form action="https://evil.example/form"><button autofocus onfocus={_CALL}>Full marks</button></form>',
    '<div style="position:fixed;inset:0;background:url(https://evil.example/css)">cover</div>',
    "<style>@import url(https://evil.example/sheet.css);body{display:none}</style>",
    '<link rel="stylesheet" href="https://evil.example/link.css"><base href="https://evil.example/">',
    f'<object data="data:text/html,<script>parent.{_CALL}</script>"></object><embed src="https://evil.example/e">',
    f'<a href="javascript:{_CALL}">a</a><a href="jav&#x09;ascript:{_CALL}">b</a><a href=" &#14;javascript:{_CALL}">c</a>',
    f"<details open ontoggle={_CALL}><summary>x</summary></details><video><source onerror={_CALL}></video>",
    f"<body onload={_CALL}><input autofocus onfocus={_CALL}><marquee onstart={_CALL}>x</marquee>",
    f"[one](javascript:{_CALL}) [two](JaVaScRiPt&colon;{_CALL}) [three](java&Tab;script&#58;{_CALL})",
    f"[four](&#106;avascript:{_CALL}) [five](javascript\\:{_CALL}) [six](<java\tscript:{_CALL}>) [seven][7]\n\n"
    f"[7]: javascript:{_CALL}\n",
    f"<javascript:{_CALL}> [eight](vbscript:x) [nine](data:text/html,<script>{_CALL}</script>)",
    f"`` `<img src=x onerror={_CALL}>`\n\n    <img src=x onerror={_CALL}>\n\n~~~\n<img src=x onerror={_CALL}>\n",
    f"```mermaid\n<img src=x onerror={_CALL}>\n```\n\n~~~ &#109;ermaid\n<img src=x onerror={_CALL}>\n~~~\n",
    f"$\\href{{javascript:{_CALL}}}{{x}}$ $$<img src=x onerror={_CALL}>$$ \\begin{{x}}<img src=x onerror={_CALL}>\\end{{x}}",
    "![pixel](https://evil.example/md.png) ![svg](data:image/svg+xml;base64,PHN2Zz4=) ![gone](attachment:gone.png)",
    f'[title](http://example.com "x\\" onmouseover={_CALL} y=") <https://example.com/onmouseover={_CALL}>',
    f"# <img src=x onerror={_CALL}>\n\n| a |\n|---|\n| <img src=x onerror={_CALL}> |\n",
    "{{ 7 * 7 }}{% include '/etc/hostname' %}",
)


MIMES = ["text/html", "text/markdown", "text/latex", "text/plain", "image/svg+xml", "application/javascript"]
MIMES += ["text/vnd.mermaid"]


def hostile_notebook() -> Any:
    """Return a notebook whose every student-controlled place holds every hostile text."""
    everything = "\n\n".join(HOSTILE)
    outputs: list[dict[str, Any]] = []
    for words in HOSTILE:
        bundle = dict.fromkeys(MIMES, words)
        outputs += [{"output_type": "display_data", "data": {mime: words}, "metadata": {}} for mime in MIMES]
        outputs.append(
            {"output_type": "display_data", "data": bundle, "metadata": {"image/png": {"alt": words}}}
        )
    outputs += [
        {"output_type": "display_data", "data": {"image/png": f'x" onerror="{_CALL}'}, "metadata": {}},
        {
            "output_type": "display_data",
            "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}},
        },
        {"output_type": "display_data", "data": {f"text/<img src=x onerror={_CALL}>": "x"}, "metadata": {}},
        {"output_type": "stream", "name": "stdout", "text": everything},
        {
            "output_type": "stream",
            "name": everything,
            "text": [everything, "\x1b]8;;javascript:x\x07y\x1b[38;2;1;2;3m"],
        },
        {"output_type": "error", "ename": everything, "evalue": everything, "traceback": [everything]},
    ]
    evil = {"tags": [everything, 'x" onclick="y'], "name": everything, "nbgrader": {"grade_id": everything}}
    chunks = [outputs[at : at + 40] for at in range(0, len(outputs), 40)]
    cells: list[dict[str, Any]] = [
        *(
            {"cell_type": "markdown", "source": words, "metadata": evil, "id": everything}
            for words in HOSTILE
        ),
        {
            "cell_type": "markdown",
            "source": everything,
            "metadata": {},
            "attachments": {"a.svg": {"image/svg+xml": "x"}},
        },
        {
            "cell_type": "raw",
            "source": everything,
            "metadata": {"raw_mimetype": "text/html", "format": "text/html"},
        },
        {
            "cell_type": "code",
            "source": everything,
            "metadata": {"magics_language": "x"},
            "execution_count": None,
        },
        *({"cell_type": "code", "source": "x", "outputs": chunk, "metadata": evil} for chunk in chunks),
    ]
    metadata = {
        "title": everything,
        "kernelspec": {"name": everything},
        "language_info": {"name": everything},
    }
    metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": everything}}
    return nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def hostile_grade() -> Grade:
    """Return a grade in which each text is hostile, as if all of them came from the student."""
    words = " ".join(HOSTILE)
    return grade(
        student=words,
        checks=(
            Check(
                "x",
                "split",
                Status.FAILED,
                0,
                10,
                Message.of(words),
                Message.of(words),
                Message.of(words),
                words,
            ),
        ),
        exercises=(ExerciseGrade("split", Status.FAILED, 0, 10, words),),
        failed_cells=(FailedCell(0, 1, words, words, Message.of(words)),),
        repairs=(Repair(words, Message.of(words)),),
        notices=(Message.of(words),),
        pictures=(
            Picture(
                "confusion",
                words,
                {"matrix": [[1, 2], [0, 1]], "names": [words, "$x$"], "measured on": words},
            ),
        ),
        provenance={"package": words, "graded_at": words},
        attempt=words,
    )
