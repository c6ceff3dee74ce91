# /// pawgrade
# title = "The nearest mean of a class: nothing is trained"
# ///
# A recipe is another honest solution. `pawgrade calibrate` runs all of them with several seeds: a level is fair when none
# of them loses a point by luck. Take kinds of solution that differ, as those of students do.
# %% [classify-code]
features = see(train.images)
middle, spread = features.mean(dim=0), features.std(dim=0) + 0.01
features = (features - middle) / spread
labels = torch.tensor(train.labels)
centres = torch.stack([features[labels == label].mean(dim=0) for label in range(35)])
centres = nn.functional.normalize(centres, dim=1)


def classify(images):
    return (nn.functional.normalize((see(images) - middle) / spread, dim=1) @ centres.T).numpy()
