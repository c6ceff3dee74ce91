# /// pawgrade
# title = "Ridge regression in closed form"
# ///
# %% [pleased-code]
known = sorted({word for one in train for word in with_order(one).split()})
x, y = counts([with_order(one) for one in train], known).astype(float), np.where(train_pleased, 1.0, -1.0)
mean = x.mean(axis=0)
weights = (x - mean).T @ np.linalg.solve((x - mean) @ (x - mean).T + 5 * np.eye(len(x)), y)


def pleased(sentences):
    found = (counts([with_order(one) for one in sentences], known) - mean) @ weights
    return 1 / (1 + np.exp(-3 * found))
