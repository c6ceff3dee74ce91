"""The command line `pawgrade`: each command reads its options, calls one function, prints, and sets the exit code."""

from grader.cli.app import main

__all__ = ["main"]
