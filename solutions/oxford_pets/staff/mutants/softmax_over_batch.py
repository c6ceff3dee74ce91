# /// pawgrade
# title = "Softmax over the photos instead of the breeds"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    with torch.inference_mode():
        return head(extract(images)).softmax(dim=0).numpy()
