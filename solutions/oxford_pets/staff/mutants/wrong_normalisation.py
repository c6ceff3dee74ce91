# /// pawgrade
# title = "ImageNet mean and deviation in preprocess; features by the backbone's own normalisation"
# loses = ["normalise"]
# fails = ["pixels_as_the_network_saw_them"]
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [normalise-code]
def preprocess(images):
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return ((torch.tensor(images) / 255 - mean) / deviation).permute(0, 3, 1, 2)


# %% [features-code]
def extract(images):
    return backbone.features(images)


# %% [classify-code]
def classify(images):
    with torch.inference_mode():
        return head(extract(images)).numpy()
