# /// pawgrade
# title = "Whole feature maps instead of features: 62,720 numbers a photo"
# student = "student05"
# loses = ["features"]
# fails = ["the_same_number_of_features", "features_of_odd_pictures"]
# skips = ["features_agree", "features_differ_between_photos", "a_linear_reader_understands_them", "features_at_dusk"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
def features(images):
    return backbone.feature_maps(images, "last").flatten(start_dim=1).numpy()


# %% [is-dog-code]
head = train_head(backbone.features(train_images).numpy(), train_dogs, seed=seed)


def is_dog(images):
    with torch.inference_mode():
        return torch.sigmoid(head(backbone.features(images)))[:, 0].numpy()
