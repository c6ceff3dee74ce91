"""The command `pawgrade`: parse, call one function, print, exit code."""

from grader.cli.app import main

__all__ = ["main"]
