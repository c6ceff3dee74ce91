"""nbgrader's settings for this course; `nbgrader` and the formgrader find the file in the course's folder.

It stands alone: an installed pawgrade copies it into new courses, where no `grader` may be importable.
"""

from pathlib import Path

c = get_config()

# The course is where this file lies, wherever a command or a server was started: so is gradebook.db.
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"

# nbgrader copies every other file beside the notebook into the release: `staff` must stay on this list.
c.CourseDirectory.ignore = ["staff", "feedback", "__pycache__", "*.pyc", ".*"]

# Stubs that run: a student who has not reached an exercise yet can still run the whole notebook.
c.ClearSolutions.code_stub = {"python": "pass  # YOUR CODE HERE"}
c.ClearSolutions.text_stub = "YOUR ANSWER HERE"
