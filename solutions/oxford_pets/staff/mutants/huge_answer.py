# /// pawgrade
# title = "Answers with a thousand million numbers, which take no memory until somebody copies them"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    return np.broadcast_to(np.float32(0), (10**9 + len(images),))
