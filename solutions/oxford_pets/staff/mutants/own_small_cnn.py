# /// pawgrade
# title = "Answers of the small network, without transfer"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["top_1", "top_3", "cats_are_not_dogs", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    own.eval()
    with torch.inference_mode():
        return own(as_input(thumbnails(images))).cpu().numpy()
