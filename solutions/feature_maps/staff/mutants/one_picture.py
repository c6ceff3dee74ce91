# /// pawgrade
# title = "The gradient for one picture, in the network as it is: 0 behind a cut-off too"
# loses = ["fields"]
# fails = ["boxes_within_the_picture", "boxes_at_the_edge"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# %% [fields-code]
def receptive_field(layer, row, column):
    x = backbone.normalise(cat[None]).requires_grad_()
    maps = hooked(backbone, x, layer)
    (gradient,) = torch.autograd.grad(maps[0, 0, row, column], x)
    rows, columns = np.nonzero(gradient[0].abs().sum(dim=0).numpy())
    if len(rows) == 0:
        return np.array([row, column, row, column])
    return np.array([rows.min(), columns.min(), rows.max(), columns.max()])
