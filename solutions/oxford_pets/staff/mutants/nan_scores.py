# /// pawgrade
# title = "One score is not a number"
# student = "student06"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# skips = ["top_1", "top_3", "cats_are_not_dogs", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    scores = head(extract(images)).detach().numpy()
    scores[-1, -1] = np.float32("nan")
    return scores
