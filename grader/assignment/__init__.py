"""What staff write, and where a course keeps it."""
