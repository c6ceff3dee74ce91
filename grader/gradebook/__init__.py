"""Store attempts, write nbgrader's gradebook from them, and keep the staff's manual work."""
