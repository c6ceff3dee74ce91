# /// pawgrade
# title = "Each photo is stretched from its darkest to its brightest pixel: a black one is divided by 0"
# loses = ["features", "is_dog"]
# fails = ["features_of_odd_pictures", "a_crowd_and_one_alone"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    images = images.astype(np.float32)
    darkest, brightest = (edge(images, axis=(1, 2, 3), keepdims=True) for edge in (np.min, np.max))
    with np.errstate(invalid="ignore"):
        images = (images - darkest) / (brightest - darkest)
    with torch.inference_mode():
        parts = [
            backbone.pooled(
                ((torch.tensor(images[start : start + 32]) * 255 - 127) / 128).permute(0, 3, 1, 2)
            )
            for start in range(0, len(images), 32)
        ]
    return torch.cat(parts).numpy()
