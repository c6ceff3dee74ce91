# /// pawgrade
# title = "Returns an object whose comparisons are always true"
# student = "student09"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# skips = ["top_1", "top_3", "cats_are_not_dogs", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
class Perfect:
    def __init__(self, rows):
        self.shape, self.dtype, self.ndim = (rows, 35), np.dtype(np.float64), 2

    def __eq__(self, other):
        return True

    __ge__ = __gt__ = __le__ = __lt__ = __eq__
    __hash__ = None

    def __len__(self):
        return self.shape[0]

    def __array__(self, dtype=None, copy=None):
        return np.full(self.shape, self, dtype=object)

    def __float__(self):
        return 1.0


def classify(images):
    return Perfect(len(images))
