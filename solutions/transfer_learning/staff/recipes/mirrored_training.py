# /// pawgrade
# title = "A head that also learnt mirrored photos, and answers with the mean of a photo and its mirror"
# leaves = ["maps-code", "cost-picture-code"]
# ///
# Expected: honest, full marks: real photos, cat/dog accuracy about 0.99.
# %% [is-dog-code]
mirrored = features(np.ascontiguousarray(train_images[:, :, ::-1]))
head = train_head(
    np.concatenate([train_features, mirrored]), np.concatenate([train_dogs, train_dogs]), seed=seed
)


def is_dog(images):
    with torch.inference_mode():
        both = [
            torch.sigmoid(head(torch.tensor(features(x))))
            for x in (images, np.ascontiguousarray(images[:, :, ::-1]))
        ]
    return torch.stack(both).mean(dim=0)[:, 0].numpy()
