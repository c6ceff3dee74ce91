# /// pawgrade
# title = "Features standardised with the mean and spread of whatever is asked"
# loses = ["features", "is_dog"]
# ///
# %% [features-code]
def features(images):
    found = backbone.features(images).numpy()
    return (found - found.mean(axis=0)) / (found.std(axis=0) + 1e-3)
