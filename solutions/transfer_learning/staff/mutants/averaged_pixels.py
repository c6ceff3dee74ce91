# /// pawgrade
# title = "Plain pixels, averaged to 16 x 16 x 3 numbers: nothing is borrowed"
# loses = ["features", "is_dog"]
# ///
# %% [features-code]
def features(images):
    squares = images.reshape(len(images), 16, 14, 16, 14, 3)
    return squares.mean(axis=(2, 4)).reshape(len(images), -1).astype(np.float32) / 255
