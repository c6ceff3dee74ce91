"""Make a quiz of a bank of questions, keep its notebook in step with the bank, and hand out a notebook to each student."""
