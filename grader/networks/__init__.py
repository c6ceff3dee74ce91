"""Networks with published weights, and stored features."""
