"""A sandboxed kernel in an interpreter of its own: what a fork of the zygote executes where warm forks are not wanted."""

from __future__ import annotations

import json
import os
import sys

from grader import visible


def main() -> None:
    """Run ipykernel on the listening sockets that were inherited."""
    from grader.sandbox.inside import kernel_app
    from grader.sandbox.paths import CHANNELS

    # From here on no import reaches what a notebook may not have.
    visible.guard(os.environ.get(visible.WITHHELD_VARIABLE, "").split())
    config = json.loads(sys.argv[1])
    del sys.argv[1:]
    kernel_app.unpack(config["archive"])
    listening = dict(zip(CHANNELS, config["listening"], strict=True))
    kernel_app.run(kernel_app.prepare(), listening, config["key"].encode(), config.get("arguments", ()))


if __name__ == "__main__":
    main()
