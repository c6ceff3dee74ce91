# /// pawgrade
# title = "A word in capitals is another word"
# loses = ["liked"]
# fails = ["capitals_do_not_matter"]
# ///
# %% [liked-code]
def pieces(sentence):
    words = str(sentence).split()
    return words + [f"{first} {second}" for first, second in zip(words, words[1:])]


vocabulary = sorted({word for sentence in train for word in pieces(sentence)})
rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in train], float)
weights = np.zeros(len(vocabulary))
for _ in range(300):
    probabilities = 1 / (1 + np.exp(-rows @ weights))
    weights += 2.0 * rows.T @ (train_labels - probabilities) / len(rows)


def liked(sentences):
    rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in sentences], float)
    return 1 / (1 + np.exp(-rows @ weights))
