"""What courses and assignments begin with: `new` copies files and fills in the id and the title.

`course/` has the files of a course. Those of assignments have solutions and hidden checks in them, so they are staff's: each
kind is a folder of `starters/` in the checkout, which `pawgrade-course` brings for instructors (ADR 12).
"""
