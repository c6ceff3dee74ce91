# /// pawgrade
# title = "The untrained network's features are used for both"
# student = "student06"
# loses = ["features", "new_kinds", "own_curves"]
# fails = ["the_borrowed_network_is_fed_what_it_learnt_with", "both_networks_on_fresh_pictures", "all_kinds_with_20_of_each_class", "textures", "cells", "all_kinds_with_5_of_each_class", "what_was_measured_holds_on_other_pictures"]
# skips = ["features_are_the_same_alone_and_in_company"]
# leaves = ["curves-picture-code", "compare-code"]
# ///
# %% [features-code]
def features(images, borrowed):
    with torch.inference_mode():
        x = ((torch.tensor(images, dtype=torch.float32) - 127) / 128).permute(0, 3, 1, 2)
        return torch.cat([untrained_network.pooled(rows) for rows in x.split(32)]).numpy()


# %% [ranked-code]
def ranking():
    return np.array([1, 2, 0])
