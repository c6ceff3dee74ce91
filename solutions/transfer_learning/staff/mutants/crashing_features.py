# /// pawgrade
# title = "The features raise: channels last where the network wants them first"
# student = "student04"
# loses = ["features", "is_dog"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    with torch.inference_mode():
        x = (torch.tensor(images, dtype=torch.float32) - 127) / 128
        return backbone.pooled(x).numpy()
