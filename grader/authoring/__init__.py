"""Make an assignment, and prove that it is right and fair."""
