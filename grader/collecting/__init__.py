"""Collect hand-ins as learning platforms give them into `submitted/<student>/<assignment>/`."""
