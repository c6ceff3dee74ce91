# /// pawgrade
# title = "One score is not a number"
# student = "student06"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    scores = head(extract(images)).detach().numpy()
    scores[-1, -1] = np.float32("nan")
    return scores
