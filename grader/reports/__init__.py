"""What staff and other programs read afterwards."""
