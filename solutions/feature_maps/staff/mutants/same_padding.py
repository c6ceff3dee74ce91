# /// pawgrade
# title = "Half of the kernel as padding on either side, whatever the network does"
# loses = ["fields"]
# fails = ["worked_boxes", "boxes_within_the_picture", "boxes_at_the_edge"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# %% [fields-code]
def steps_to(layer):
    steps, leading = [], []

    def convolution(module, _given, _answer):
        before = [module.kernel_size[0] // 2] * 2
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
