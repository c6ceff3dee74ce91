"""Make and install kernelspecs by which a Jupyter program gets sandboxed kernels."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grader.limits import Limits
from grader.sandbox.host.client import runtime_folder, statuses

__all__ = ["PRELOAD", "install", "kernel_spec", "runtime_folder", "statuses"]

# In this order. Pyplot comes before there is a shell, so `kernel_app` has to switch inline figures on.
PRELOAD = (
    "numpy",
    "PIL.Image",
    "matplotlib.pyplot",
    "torch",
    "torch.utils.data",
    "torchvision",
    "torchvision.ops",
    "torchvision.transforms.v2",
    "timm",
    "grader.lab",
    "grader.judging.in_kernel",
)


def kernel_spec(  # noqa: D417 - the rest are the provisioner's traits
    *,
    name: str = "pawgrade",
    executable: str = sys.executable,
    preload: Sequence[str] = PRELOAD,
    warm: bool = True,
    limits: Limits | None = None,
    env: Mapping[str, str] | None = None,
    **config: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401 - jupyter_client's own type
    """Return a kernelspec whose kernels are forked warm, used once and sandboxed.

    Args:
        name: shown to people.
        executable: the Python of its kernels; it needs pawgrade, too.
        preload: modules to import once; one that starts threads or opens files is left out and named.
        warm: False starts an interpreter for each kernel instead of forking the zygote.
        limits: memory, disk, processes and cpus of one kernel.
        env: the kernelspec's variables; `${NAME}` stands for the variable of the program that starts a kernel.
    """
    from jupyter_client.kernelspec import KernelSpec

    chosen_limits = limits or Limits.model_validate({})
    chosen = {"preload": list(preload), "warm": warm, "limits": chosen_limits.of_a_kernel(), **config}
    provisioner = {"provisioner_name": "pawgrade", "config": chosen}
    return KernelSpec(
        # Only the executable counts (`SandboxProvisioner.kind`); the rest is what Jupyter expects to see.
        argv=[executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name=f"Python, sandboxed ({name})",
        language="python",
        env=dict(env or {}),
        # Sandboxed kernels have no debugger (`grader.sandbox.inside.kernel_app`).
        metadata={"kernel_provisioner": provisioner, "debugger": False},
    )


def install(name: str, *, prefix: str | None = None, user: bool = False, **options: Any) -> Path:  # noqa: ANN401
    """Write a kernelspec where Jupyter looks; returns its folder.

    Args:
        name: what programs call it by.
        prefix: an environment's folder; the default is that of this Python.
        user: for this user, in all environments.
        options: of `kernel_spec`.
    """
    import tempfile

    from jupyter_client.kernelspec import KernelSpecManager

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kernel.json").write_text(
            json.dumps(kernel_spec(name=name, **options).to_dict(), indent=1) + "\n", encoding="utf-8"
        )
        where = {"user": True} if user else {"prefix": prefix or sys.prefix}
        return Path(KernelSpecManager().install_kernel_spec(folder, name, **where))


def launcher_options(argv: Sequence[str]) -> list[str]:
    """Return the options for ipykernel on a kernelspec's command line, without what starts it and connects it."""
    # `python -m ipykernel_launcher -f {connection_file} --OPTION...`: a sandboxed kernel has no connection file.
    rest = list(argv[argv.index("-m") + 2 :] if "-m" in argv else argv[1:])
    return [
        argument
        for argument, following in zip(rest, [*rest[1:], ""], strict=False)
        if "{connection_file}" not in argument and not (argument == "-f" and "{connection_file}" in following)
    ]
