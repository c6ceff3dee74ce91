# /// pawgrade
# title = "Columns add up to 1, not rows"
# loses = ["softmax"]
# fails = ["a_small_example_is_right", "every_row_adds_up_to_1", "differences_of_scores_stay", "large_scores"]
# ///
# %% [softmax-code]
def softmax(scores):
    exponents = np.exp(scores - scores.max())
    return exponents / exponents.sum(axis=0)
