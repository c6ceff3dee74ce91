# /// pawgrade
# title = "Cat or dog: 1 for all breeds of the species, 0 for the others"
# loses = ["breeds", "top3", "mirror"]
# fails = ["top_1", "top_3", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    with torch.inference_mode():
        best = head(extract(images)).argmax(dim=1).numpy()
    return (is_cat[best][:, None] == is_cat).astype(float)
