# /// pawgrade
# title = "The numbers are reshaped where an axis should be moved, from training to the answers"
# loses = ["normalise", "features", "is_dog"]
# fails = ["every_channel_has_its_own_mean_and_deviation", "black_white_and_odd_sizes", "a_linear_reader_understands_them", "features_at_dusk", "cats_and_dogs_are_told_apart", "a_mirrored_dog_is_a_dog", "a_crowd_and_one_alone"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [normalise-code]
def normalise(images, mean, deviation):
    pixels = torch.tensor(images, dtype=torch.float32) / 255
    mean, deviation = (torch.tensor(numbers, dtype=torch.float32) for numbers in (mean, deviation))
    return ((pixels - mean) / deviation).reshape(len(images), 3, *images.shape[1:3])
