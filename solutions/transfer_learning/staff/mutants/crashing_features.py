# /// pawgrade
# title = "The features raise: channels last where the network wants them first"
# student = "student04"
# loses = ["features", "is_dog"]
# fails = ["the_same_number_of_features", "features_of_odd_pictures", "probabilities_lie_between_0_and_1", "answers_agree", "a_crowd_and_one_alone"]
# skips = ["features_agree", "features_differ_between_photos", "a_linear_reader_understands_them", "cats_and_dogs_are_told_apart", "a_mirrored_dog_is_a_dog", "features_at_dusk"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    with torch.inference_mode():
        x = (torch.tensor(images, dtype=torch.float32) - 127) / 128
        return backbone.pooled(x).numpy()
