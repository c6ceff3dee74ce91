# /// pawgrade
# title = "Softmax over the photos instead of the breeds"
# loses = ["breeds", "top3", "species", "mirror"]
# ///
# %% [classify-code]
def classify(images):
    with torch.inference_mode():
        return head(extract(images)).softmax(dim=0).numpy()
