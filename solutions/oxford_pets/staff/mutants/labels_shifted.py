# /// pawgrade
# title = "Columns shifted by one: labels counted from 1"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["top_1", "top_3", "cats_are_not_dogs", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    with torch.inference_mode():
        return np.roll(head(extract(images)).numpy(), 1, axis=1)
