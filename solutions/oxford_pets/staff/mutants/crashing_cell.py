# /// pawgrade
# title = "The features cell raises: channels last where the network wants them first"
# student = "student05"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# skips = ["top_1", "top_3", "cats_are_not_dogs", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [features-code]
def extract(images):
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), 32):
            x = (torch.tensor(images[start : start + 32], dtype=torch.float32) - 127) / 128
            parts.append(backbone.pooled(x))
    return torch.cat(parts)
