# /// pawgrade
# title = "Trained on the wrong labels: not liked is 1"
# loses = ["liked"]
# fails = ["sentences_are_understood"]
# ///
# %% [liked-code]
train_labels = ~train_labels
vocabulary = sorted({word for sentence in train for word in pieces(sentence)})
rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in train], float)
weights = np.zeros(len(vocabulary))
for _ in range(300):
    probabilities = 1 / (1 + np.exp(-rows @ weights))
    weights += 2.0 * rows.T @ (train_labels - probabilities) / len(rows)


def liked(sentences):
    rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in sentences], float)
    return 1 / (1 + np.exp(-rows @ weights))
