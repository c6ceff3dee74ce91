"""Calibration: what honest solutions reach, and which levels that supports."""
