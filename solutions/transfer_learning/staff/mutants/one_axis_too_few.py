# /// pawgrade
# title = "Batch normalisation over the photos alone, and from the batch in both modes"
# loses = ["batch_norm"]
# fails = ["answering_uses_what_was_stored", "learning_uses_the_batch", "a_batch_of_one_photo"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [batch-norm-code]
def batch_norm(x, mean, variance, training):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
