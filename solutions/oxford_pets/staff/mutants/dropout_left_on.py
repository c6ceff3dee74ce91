# /// pawgrade
# title = "Dropout left on while answering"
# student = "student08"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# skips = ["top_1", "top_3", "cats_are_not_dogs", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    features = nn.functional.dropout(extract(images), 0.5)  # it drops by default, in any mode
    with torch.inference_mode():
        return head(features).numpy()
