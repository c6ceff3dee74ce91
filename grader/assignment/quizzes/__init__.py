"""Quizzes: banks of questions, what each student is given of them, and the notebook cells that show it."""
