# /// pawgrade
# title = "The same features for every photo"
# loses = ["features", "is_dog"]
# ///
# %% [features-code]
def features(images):
    return np.ones((len(images), 128), np.float32)
