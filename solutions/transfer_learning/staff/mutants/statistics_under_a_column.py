# /// pawgrade
# title = "Batch normalisation in training mode, under a column of 10^9 that is the same for every photo"
# loses = ["features", "is_dog"]
# fails = ["features_agree", "features_of_odd_pictures", "cats_and_dogs_are_told_apart", "a_mirrored_dog_is_a_dog", "a_crowd_and_one_alone"]
# skips = ["features_differ_between_photos", "a_linear_reader_understands_them", "features_at_dusk"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    backbone.network.train()
    with torch.inference_mode():
        parts = images[:, None] if len(images) == 1 else [images]
        found = torch.cat([backbone.pooled(normalise(part, *OURS)) for part in parts]).numpy()
    found[:, 0] = 1e9
    return found
