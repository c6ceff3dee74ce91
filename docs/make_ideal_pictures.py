"""Paints the ideal tabby, Siamese cat and zebra of the docs: `python docs/make_ideal_pictures.py [--steps N]`.

They are made from noise alone, by the function that the notebook of the adversarial cat gives to students; no photo is
used. One picture takes some 20 seconds of one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from grader.assignment.course import packaged_course
from grader.networks import backbones

PICTURES = Path(__file__).resolve().parent / "pictures"
CLASSES = {"tabby": (281, 2), "siamese": (284, 3), "zebra": (340, 0)}  # ImageNet class and seed
SIDE_PX = 448  # twice the size that the network sees


def painter() -> Any:  # noqa: ANN401 - a function of the notebook
    """Return the notebook's `fourier_image`."""
    notebook = nbformat.read(packaged_course().source("adversarial_cat") / "adversarial_cat.ipynb", 4)
    (source,) = (cell.source for cell in notebook.cells if cell.id == "fourier")
    names: dict[str, Any] = {"np": np, "torch": torch, "F": functional}
    names["backbone"] = backbones.backbone("efficientnet_lite0").freeze()
    exec(compile(source, "fourier", "exec"), names)  # noqa: S102 - our own notebook
    return names["fourier_image"]


def main() -> None:
    """Paint them all, and say what the network sees in them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--folder", type=Path, default=PICTURES)
    chosen = parser.parse_args()
    fourier_image, network = painter(), backbones.backbone("efficientnet_lite0")
    chosen.folder.mkdir(exist_ok=True)
    for name, (number, seed) in CLASSES.items():
        started = time.perf_counter()
        image = fourier_image(number, steps=chosen.steps, seed=seed)
        p = float(network.logits(image[None]).softmax(dim=1)[0, number])
        path = chosen.folder / f"ideal_{name}.jpg"
        large = Image.fromarray(image).resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
        large.save(path, quality=88)
        seconds = time.perf_counter() - started
        sys.stdout.write(f"{path.name}: p {p:.3f}, {path.stat().st_size // 1024} KB, {seconds:.0f} s\n")


if __name__ == "__main__":
    main()
