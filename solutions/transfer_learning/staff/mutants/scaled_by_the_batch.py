# /// pawgrade
# title = "Features standardised with the mean and spread of whatever is asked"
# loses = ["features", "is_dog"]
# fails = ["features_agree", "features_of_odd_pictures", "answers_agree", "a_crowd_and_one_alone"]
# skips = ["features_differ_between_photos", "a_linear_reader_understands_them", "cats_and_dogs_are_told_apart", "a_mirrored_dog_is_a_dog", "features_at_dusk"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    found = backbone.features(images).numpy()
    return (found - found.mean(axis=0)) / (found.std(axis=0) + 1e-3)
