"""The path of one submission, of a class, of a student's own check."""
