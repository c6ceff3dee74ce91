"""Data cards, label spaces, splits, and the hidden photos that judge."""
