"""The commands that need more than a line: parse, call one function of a room, print, end with an exit code."""
