"""Attempts (the truth), nbgrader's database (a projection), and staff's own work."""
