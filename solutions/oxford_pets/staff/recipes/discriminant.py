# /// pawgrade
# title = "A head in closed form: linear discriminant on the roots of the features, with a shrunken covariance"
# leaves = ["own-cnn-code", "curves-code", "topk-picture-code", "mirror-code", "confused-code", "pairs-code"]
# ///
# %% [head-code]
class Discriminant(nn.Module):
    def __init__(self, features, labels, shrinkage=0.6):
        super().__init__()
        x = self.roots(features)
        means = torch.stack([x[labels == label].mean(dim=0) for label in range(len(breeds))])
        within = (x - means[labels]).double()
        covariance = within.T @ within / len(x)
        shrunken = (1 - shrinkage) * covariance
        shrunken += shrinkage * covariance.diagonal().mean() * torch.eye(x.shape[1])
        weight = torch.linalg.solve(shrunken, means.double().T).float()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", -(means.T * weight).sum(dim=0) / 2)

    def roots(self, features):
        return features.clamp(min=0).sqrt()  # they are means of what passed a ReLU: many small, few large

    def forward(self, features):
        return self.roots(features) @ self.weight + self.bias


def train_head(features, labels, watched=None, epochs=40, seed=0):
    return Discriminant(features, labels).eval(), []
