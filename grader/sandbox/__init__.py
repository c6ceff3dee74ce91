"""Warm, single-use, sandboxed kernels: a Jupyter kernel provisioner, and what stands behind it.

```
grader process (provisioner) ─ keeper (trusted) ─ box (bubblewrap) ─ zygote ─┬─ B, pid 1 of a kernel's own world ─ C, the kernel
                                                                            └─ B ─ C
```

The zygote imports the heavy libraries once and forks. Each fork locks itself into namespaces of its own (B), then gives
up every right it has (C) before any student's code runs. Ending B ends everything that the kernel ever started.
"""
