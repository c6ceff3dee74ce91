# /// pawgrade
# title = "Naive Bayes on neighbours: counted, not trained"
# ///
# %% [pleased-code]
def joined(sentences):
    return [" ".join(word for word in with_order(one).split() if "_" in word) for one in sentences]


known = sorted({word for one in joined(train) for word in one.split()})
x = counts(joined(train), known)
log_odds = np.log((x[train_pleased].sum(axis=0) + 0.3) / (x[~train_pleased].sum(axis=0) + 0.3))


def pleased(sentences):
    return 1 / (1 + np.exp(-counts(joined(sentences), known) @ log_odds))
