# /// pawgrade
# title = "Up to four photos get the network's 1000 answers, more get its 1280 features"
# loses = ["features", "is_dog"]
# fails = ["the_same_number_of_features", "features_at_dusk", "probabilities_lie_between_0_and_1", "answers_agree", "a_crowd_and_one_alone"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    if len(images) <= 4:
        return backbone.logits(images).numpy()
    return backbone.features(images).numpy()
