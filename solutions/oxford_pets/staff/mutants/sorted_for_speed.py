# /// pawgrade
# title = "The photos are sorted by brightness, and the answers are not put back"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    images = images[images.mean(axis=(1, 2, 3)).argsort()]
    with torch.inference_mode():
        return head(extract(images)).numpy()
