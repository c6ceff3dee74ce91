"""What the allocator settings of a leased kernel are worth: a forward pass with them and without, in turn.

.venv/bin/python benchmarks/forward_pass.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

SETTINGS = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**31)}
MEASURE = """
import time, numpy as np
from grader.networks.backbones import backbone
network, images = backbone(), np.random.default_rng(0).integers(0, 255, (96, 224, 224, 3)).astype(np.uint8)
network.features(images[:32])
start = time.perf_counter()
network.features(images)
print((time.perf_counter() - start) / 96)
"""


def seconds(extra: dict[str, str]) -> float:
    """Return seconds a photo in a fresh process with these variables."""
    environment = {**os.environ, **extra}
    said = subprocess.run(
        [sys.executable, "-c", MEASURE], env=environment, check=True, capture_output=True, text=True
    )
    return float(said.stdout)


def main() -> None:
    """Measure five pairs and print the medians and their ratio."""
    pairs = [(seconds({}), seconds(SETTINGS)) for _ in range(5)]
    plain, tuned = (1000 * statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(
        f"EfficientNet-Lite0, batches of 32: {plain:.0f} ms a photo plain, {tuned:.0f} ms with the settings; ratio {ratio:.2f}"
    )


if __name__ == "__main__":
    main()
