"""The page that a student reads."""
