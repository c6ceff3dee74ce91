# /// pawgrade
# title = "Exponents that nobody divided by their sum"
# loses = ["softmax"]
# fails = ["a_small_example_is_right", "every_row_adds_up_to_1", "large_scores"]
# ///
# A mutant is a wrong solution. It replaces cells of the notebook, and its header says what it must cost: which exercises
# lose points (loses), which checks fail (fails), and which are skipped because one that they come after failed (skips).
# `pawgrade verify` grades it and demands exactly that. Write one for each mistake that a check is there for.
# %% [softmax-code]
def softmax(scores):
    return np.exp(scores)
