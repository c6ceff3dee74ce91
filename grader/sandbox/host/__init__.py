"""The side of the sandbox that the host runs: it starts, limits and ends kernels."""
