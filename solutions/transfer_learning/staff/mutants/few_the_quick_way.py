# /// pawgrade
# title = "Up to four photos get the network's 1000 answers, more get its 1280 features"
# loses = ["features", "is_dog"]
# fails = ["the_same_number_of_features", "features_at_dusk", "probabilities_lie_between_0_and_1", "answers_agree", "a_crowd_and_one_alone"]
# skips = ["features_agree", "features_differ_between_photos", "a_linear_reader_understands_them", "cats_and_dogs_are_told_apart", "a_mirrored_dog_is_a_dog"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    if len(images) <= 4:
        return backbone.logits(images).numpy()
    return backbone.features(images).numpy()
