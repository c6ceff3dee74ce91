# /// pawgrade
# title = "The same features for every photo"
# loses = ["features", "is_dog"]
# fails = ["features_differ_between_photos", "features_at_dusk", "cats_and_dogs_are_told_apart", "a_mirrored_dog_is_a_dog", "a_crowd_and_one_alone"]
# skips = ["a_linear_reader_understands_them"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    return np.ones((len(images), 128), np.float32)
