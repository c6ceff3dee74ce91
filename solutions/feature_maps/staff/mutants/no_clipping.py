# /// pawgrade
# title = "Boxes that reach beyond the picture"
# student = "student05"
# loses = ["fields"]
# fails = ["boxes_at_the_edge"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
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
    return np.array([ends[0][0], ends[1][0], ends[0][1], ends[1][1]])
