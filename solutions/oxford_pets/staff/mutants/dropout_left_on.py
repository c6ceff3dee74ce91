# /// pawgrade
# title = "Dropout left on while answering"
# student = "student08"
# loses = ["breeds", "top3", "species", "mirror"]
# fails = ["answers_agree"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [classify-code]
def classify(images):
    features = nn.functional.dropout(extract(images), 0.5)  # it drops by default, in any mode
    with torch.inference_mode():
        return head(features).numpy()
