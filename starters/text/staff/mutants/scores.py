# /// pawgrade
# title = "Scores in place of probabilities, moved so that 0.5 is the border"
# loses = ["liked"]
# fails = ["answers_are_probabilities"]
# ///
# %% [liked-code]
vocabulary = sorted({word for sentence in train for word in pieces(sentence)})
rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in train], float)
weights = np.zeros(len(vocabulary))
for _ in range(300):
    probabilities = 1 / (1 + np.exp(-rows @ weights))
    weights += 2.0 * rows.T @ (train_labels - probabilities) / len(rows)


def liked(sentences):
    rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in sentences], float)
    return rows @ weights + 0.5
