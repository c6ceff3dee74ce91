# /// pawgrade
# title = "One feature is not a number"
# loses = ["features", "is_dog"]
# ///
# %% [features-code]
def features(images):
    found = backbone.features(images).numpy()
    found[:, 7] = np.float32("nan")
    return found
