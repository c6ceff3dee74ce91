"""Stored answers judged again: by levels and checks that have changed, without running a notebook."""
