"""What courses and assignments begin with: the files of each kind lie here, `.txt` behind those that are Python.

`new` copies them, with the id and title filled in. A kind is a folder; `course/` is the course around them.
"""
