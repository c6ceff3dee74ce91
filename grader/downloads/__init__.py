"""Download large files: ranged, resumed, verified."""
