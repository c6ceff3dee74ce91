# /// pawgrade
# title = "The photos are sorted by brightness, and the answers are not put back"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# skips = ["top_1", "top_3", "cats_are_not_dogs", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    images = images[images.mean(axis=(1, 2, 3)).argsort()]
    with torch.inference_mode():
        return head(extract(images)).numpy()
