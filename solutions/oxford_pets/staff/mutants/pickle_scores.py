# /// pawgrade
# title = "Scores that would run code if they were unpickled"
# loses = ["breeds", "top3", "species", "mirror"]
# ///
# %% [classify-code]
class Surprise:
    def __reduce__(self):
        return print, ("unpickled: somebody trusted a student's bytes",)


def classify(images):
    scores = np.empty((len(images), 35), dtype=object)
    scores[...] = Surprise()
    return scores
