# /// pawgrade
# title = "Features of the same network with random weights"
# student = "student03"
# loses = ["features"]
# fails = ["a_linear_reader_understands_them", "features_at_dusk"]
# leaves = ["maps-code", "cost-picture-code"]
# ///
# %% [features-code]
import timm

torch.manual_seed(seed)
untrained = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0).eval()


def features(images):
    with torch.inference_mode():
        parts = [
            untrained(normalise(images[start : start + 32], *OURS)) for start in range(0, len(images), 32)
        ]
    return torch.cat(parts).numpy()


# %% [is-dog-code]
head = train_head(backbone.features(train_images).numpy(), train_dogs, seed=seed)


def is_dog(images):
    with torch.inference_mode():
        return torch.sigmoid(head(backbone.features(images)))[:, 0].numpy()
