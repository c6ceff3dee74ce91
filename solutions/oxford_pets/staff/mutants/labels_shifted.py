# /// pawgrade
# title = "Columns shifted by one: labels counted from 1"
# loses = ["breeds", "top3", "species", "mirror"]
# ///
# %% [classify-code]
def classify(images):
    with torch.inference_mode():
        return np.roll(head(extract(images)).numpy(), 1, axis=1)
