# /// pawgrade
# title = "Features that are 0 in all photos of the batch are dropped"
# loses = ["features"]
# fails = ["the_same_number_of_features", "features_of_odd_pictures"]
# skips = ["features_agree", "features_differ_between_photos", "a_linear_reader_understands_them", "features_at_dusk"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    found = backbone.features(images).numpy()
    return found[:, (found != 0).any(axis=0)]


# %% [is-dog-code]
head = train_head(backbone.features(train_images).numpy(), train_dogs, seed=seed)


def is_dog(images):
    with torch.inference_mode():
        return torch.sigmoid(head(backbone.features(images)))[:, 0].numpy()
