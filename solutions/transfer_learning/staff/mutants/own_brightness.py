# /// pawgrade
# title = "Each photo is divided by its brightest pixel: a black one by 0"
# loses = ["features", "is_dog"]
# fails = ["features_of_odd_pictures", "a_crowd_and_one_alone"]
# skips = ["features_at_dusk"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    brightest = images.max(axis=(1, 2, 3), keepdims=True).astype(np.float32)
    with np.errstate(invalid="ignore"):
        pixels = torch.tensor(255 * (images / brightest), dtype=torch.float32)
    with torch.inference_mode():
        x = ((pixels - 127) / 128).permute(0, 3, 1, 2)
        return torch.cat([backbone.pooled(part) for part in x.split(32)]).numpy()
