# /// pawgrade
# title = "The numbers are reshaped where an axis should be moved, for the features too"
# loses = ["normalise", "features"]
# fails = ["every_channel_has_its_own_mean_and_deviation", "black_white_and_odd_sizes", "a_linear_reader_understands_them", "features_at_dusk"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [normalise-code]
def normalise(images, mean, deviation):
    pixels = torch.tensor(images, dtype=torch.float32) / 255
    mean, deviation = (torch.tensor(numbers, dtype=torch.float32) for numbers in (mean, deviation))
    return ((pixels - mean) / deviation).reshape(len(images), 3, *images.shape[1:3])


# %% [is-dog-code]
head = train_head(backbone.features(train_images).numpy(), train_dogs, seed=seed)


def is_dog(images):
    with torch.inference_mode():
        return torch.sigmoid(head(backbone.features(images)))[:, 0].numpy()
