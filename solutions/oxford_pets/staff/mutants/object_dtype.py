# /// pawgrade
# title = "Right scores in an array of Python objects"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    with torch.inference_mode():
        return head(extract(images)).numpy().astype(object)
