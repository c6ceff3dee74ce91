# /// pawgrade
# title = "One feature is not a number"
# loses = ["features", "is_dog"]
# fails = ["the_same_number_of_features", "features_of_odd_pictures", "probabilities_lie_between_0_and_1", "answers_agree", "a_crowd_and_one_alone"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    found = backbone.features(images).numpy()
    found[:, 7] = np.float32("nan")
    return found
