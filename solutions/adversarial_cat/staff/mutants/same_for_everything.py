# /// pawgrade
# title = "One Siamese cat for every noise and class"
# loses = ["ideal"]
# ///
# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    fixed = np.random.default_rng(0).random((224, 224, 3), dtype=np.float32)
    image, _ = optimise(fixed, 284, 100)
    return image
