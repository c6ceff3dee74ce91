# /// pawgrade
# title = "Features of EfficientNet-Lite1"
# leaves = ["maps-code", "cost-picture-code"]
# ///
# Expected: honest, full marks: real photos, cat/dog accuracy about 0.99.
# %% [features-code]
other = lab.backbone("efficientnet_lite1").freeze()


def features(images):
    return other.features(images).numpy()
