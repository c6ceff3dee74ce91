# /// pawgrade
# title = "Batch normalisation over the photos alone, and from the batch in both modes"
# loses = ["batch_norm"]
# ///
# %% [batch-norm-code]
def batch_norm(x, mean, variance, training):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
