# /// pawgrade
# title = "No training: the breed whose mean feature, on the unit sphere, is nearest"
# weak = true
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# Expected: weak but honest: real photos, top-1 from 0.86 to 0.90.
# %% [head-code]
class NearestMean(nn.Module):
    def __init__(self, features, labels):
        super().__init__()
        self.register_buffer("centre", features.mean(dim=0))
        self.register_buffer("spread", features.std(dim=0) + 0.1)
        x = self.direction(features)
        means = torch.stack([x[labels == label].mean(dim=0) for label in range(len(breeds))])
        self.register_buffer("means", nn.functional.normalize(means, dim=1))

    def direction(self, features):
        return nn.functional.normalize((features - self.centre) / self.spread, dim=1)

    def forward(self, features):
        return self.direction(features) @ self.means.T


def train_head(features, labels, watched=None, epochs=40, seed=0):
    return NearestMean(features, labels).eval(), []
