# /// pawgrade
# title = "Boxes computed, not measured; the channel with the largest difference of means in units of the spread"
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# Expected: honest, full marks.
# %% [fields-code]
def steps_to(layer):
    steps, leading = [], []

    def convolution(module, given, answer):
        before = [
            max((after - 1) * stride + kernel - side, 0) // 2
            for side, after, kernel, stride in zip(
                given[0].shape[2:], answer.shape[2:], module.kernel_size, module.stride, strict=True
            )
        ]
        steps.append((module.kernel_size[0], module.stride[0], *before))

    modules = [module for module in backbone.modules() if isinstance(module, nn.Conv2d)]
    hooks = [module.register_forward_hook(convolution) for module in modules]
    last = backbone.network.get_submodule(layer)
    hooks.append(last.register_forward_hook(lambda _module, _given, _answer: leading.extend(steps)))
    with torch.inference_mode():
        backbone(torch.zeros(1, 3, 224, 224))
    for hook in hooks:
        hook.remove()
    return leading


def receptive_field(layer, row, column):
    ends = [[row, row], [column, column]]
    for kernel, stride, *before in reversed(steps_to(layer)):
        ends = [
            [low * stride - padding, high * stride - padding + kernel - 1]
            for (low, high), padding in zip(ends, before, strict=True)
        ]
    (top, bottom), (left, right) = np.clip(ends, 0, 223)
    return np.array([top, left, bottom, right])


# %% [fur-code]
def telling_channel(layer):
    means = activations(fur_images, layer).mean(axis=(2, 3))
    distance = means[is_long].mean(axis=0) - means[~is_long].mean(axis=0)
    spread = np.sqrt(means[is_long].var(axis=0) + means[~is_long].var(axis=0)) + 1e-6
    return int((distance / spread).argmax())
