# /// pawgrade
# title = "A single row or column is answered with zeros"
# loses = ["sobel"]
# fails = ["small_pictures"]
# ///
# %% [sobel-code]
def sobel(image):
    if min(image.shape) < 2:
        return np.zeros((*image.shape, 2))
    p = np.pad(image.astype(float), 1, mode="edge")
    right, down = p[:, 2:] - p[:, :-2], p[2:] - p[:-2]
    right = right[:-2] + 2 * right[1:-1] + right[2:]
    down = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    return np.stack([right, down], axis=-1) / 8
