# /// pawgrade
# title = "Large scores are cut off, so that nothing overflows"
# loses = ["softmax"]
# fails = ["large_scores"]
# ///
# %% [softmax-code]
def softmax(scores):
    exponents = np.exp(np.clip(scores, -500, 500))
    return exponents / exponents.sum(axis=1, keepdims=True)
