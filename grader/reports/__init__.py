"""Reports on grades and on assignments, for staff and for other programs."""
