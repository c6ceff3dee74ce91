"""The side of the sandbox that runs where the student's code does."""
