# /// pawgrade
# title = "Plain pixels, averaged to 16 x 16 x 3 numbers; cats and dogs are not done yet"
# loses = ["features", "is_dog"]
# fails = ["a_linear_reader_understands_them", "features_at_dusk", "probabilities_lie_between_0_and_1", "answers_agree", "a_crowd_and_one_alone"]
# skips = ["cats_and_dogs_are_told_apart", "a_mirrored_dog_is_a_dog"]
# leaves = ["maps-code", "is-dog-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    squares = images.reshape(len(images), 16, 14, 16, 14, 3)
    return squares.mean(axis=(2, 4)).reshape(len(images), -1).astype(np.float32) / 255
