# /// pawgrade
# title = "Scores that would run code if they were unpickled"
# student = "student10"
# loses = ["breeds", "top3", "species", "mirror"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
class Surprise:
    def __reduce__(self):
        return print, ("unpickled: somebody trusted a student's bytes",)


def classify(images):
    scores = np.empty((len(images), 35), dtype=object)
    scores[...] = Surprise()
    return scores
