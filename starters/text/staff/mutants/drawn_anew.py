# /// pawgrade
# title = "Words are left out at random while answering"
# loses = ["liked"]
# fails = ["answers_agree", "capitals_do_not_matter"]
# skips = ["sentences_are_understood"]
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
    rows *= np.random.random(rows.shape) < 0.7
    return 1 / (1 + np.exp(-rows @ weights))
