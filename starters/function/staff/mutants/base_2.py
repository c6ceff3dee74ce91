# /// pawgrade
# title = "Powers of 2 in place of e"
# loses = ["softmax"]
# fails = ["a_small_example_is_right", "differences_of_scores_stay", "large_scores"]
# ///
# %% [softmax-code]
def softmax(scores):
    exponents = 2.0 ** (scores - scores.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)
