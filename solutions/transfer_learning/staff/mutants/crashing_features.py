# /// pawgrade
# title = "The features raise: channels last where the network wants them first"
# student = "student04"
# loses = ["features", "is_dog"]
# fails = ["the_same_number_of_features", "features_of_odd_pictures", "probabilities_lie_between_0_and_1", "answers_agree", "a_crowd_and_one_alone"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    with torch.inference_mode():
        x = (torch.tensor(images, dtype=torch.float32) - 127) / 128
        return backbone.pooled(x).numpy()
