"""Assignments as staff write them, and the folders in which a course keeps them."""
