# /// pawgrade
# title = "Cat or dog: all breeds of a species get the same score"
# loses = ["breeds", "top3", "mirror"]
# fails = ["top_1", "top_3", "a_mirrored_pet_is_the_same_pet"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    with torch.inference_mode():
        cats = head(extract(images)).softmax(dim=1)[:, torch.tensor(is_cat)].sum(dim=1)
    return np.where(is_cat, cats.numpy()[:, None], 1 - cats.numpy()[:, None])
