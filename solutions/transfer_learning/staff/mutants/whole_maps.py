# /// pawgrade
# title = "Whole feature maps instead of features: 62,720 numbers a photo"
# student = "student05"
# loses = ["features"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    return backbone.feature_maps(images, "last").flatten(start_dim=1).numpy()
