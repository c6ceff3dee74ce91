# /// pawgrade
# title = "Single words alone: good and not good are the same"
# loses = ["liked"]
# fails = ["sentences_are_understood"]
# ///
# A mutant is a wrong solution. It replaces cells of the notebook, and its header says what it must cost: which exercises
# lose points (loses), which checks fail (fails), and which are skipped because one that they come after failed (skips).
# `pawgrade verify` grades it and demands exactly that. Write one for each mistake that a check is there for.
# %% [liked-code]
def pieces(sentence):
    return [word for word in str(sentence).lower().split() if word != "not"]


vocabulary = sorted({word for sentence in train for word in pieces(sentence)})
rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in train], float)
weights = np.zeros(len(vocabulary))
for _ in range(300):
    probabilities = 1 / (1 + np.exp(-rows @ weights))
    weights += 2.0 * rows.T @ (train_labels - probabilities) / len(rows)


def liked(sentences):
    rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in sentences], float)
    return 1 / (1 + np.exp(-rows @ weights))
