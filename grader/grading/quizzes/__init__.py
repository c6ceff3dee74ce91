"""Quizzes in grading: the notebook and the key of the drawing that each student was given."""
