# /// pawgrade
# title = "Answers with a thousand million numbers, which take no memory until somebody copies them"
# loses = ["breeds", "top3", "species", "mirror"]
# ///
# %% [classify-code]
def classify(images):
    return np.broadcast_to(np.float32(0), (10**9 + len(images),))
