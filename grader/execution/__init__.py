"""Run a notebook in a leased kernel within limits."""
