"""Write the feedback page that a student reads."""
