# /// pawgrade
# title = "Right scores in an array of Python objects"
# loses = ["breeds", "top3", "species", "mirror"]
# ///
# %% [classify-code]
def classify(images):
    with torch.inference_mode():
        return head(extract(images)).numpy().astype(object)
