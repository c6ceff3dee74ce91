# /// pawgrade
# title = "Ridge regression in closed form"
# ///
# %% [liked-code]
vocabulary = sorted({word for sentence in train for word in pieces(sentence)})
rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in train], float)
targets = np.where(train_labels, 1.0, -1.0)
weights = np.linalg.solve(rows.T @ rows + 2 * np.eye(len(vocabulary)), rows.T @ targets)


def liked(sentences):
    rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in sentences], float)
    return 1 / (1 + np.exp(-3 * rows @ weights))
