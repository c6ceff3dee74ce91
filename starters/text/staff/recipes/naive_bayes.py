# /// pawgrade
# title = "Naive Bayes: counted, not trained"
# ///
# A recipe is another honest solution. `pawgrade calibrate` runs all of them with several seeds: a level is fair when none
# of them loses a point by luck. Take kinds of solution that differ, as those of students do.
# %% [liked-code]
vocabulary = sorted({word for sentence in train for word in pieces(sentence) if " " in word})
occurs = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in train])
weights = np.log((occurs[train_labels].sum(axis=0) + 0.3) / (occurs[~train_labels].sum(axis=0) + 0.3))


def liked(sentences):
    rows = np.array([[word in pieces(sentence) for word in vocabulary] for sentence in sentences])
    return 1 / (1 + np.exp(-(rows @ weights)))
