# /// pawgrade
# title = "Answers of the small network, without transfer"
# ///
# Expected: honest: real photos, top-1 about 0.08, no points for accuracy.
# %% [classify-code]
def classify(images):
    own.eval()
    with torch.inference_mode():
        return own(as_input(thumbnails(images))).cpu().numpy()
