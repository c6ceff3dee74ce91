# /// pawgrade
# title = "What goes into the layer, not what it answers"
# loses = ["activations"]
# fails = ["a_stage_answers", "any_layer_answers"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# %% [activations-code]
def hooked(network, x, layer):
    caught = []
    hook = network.network.get_submodule(layer).register_forward_hook(
        lambda _module, _inputs, output: caught.append(output.clone())
    )
    try:
        network(x)
    finally:
        hook.remove()
    return caught[0]


def activations(images, layer):
    caught = []
    hook = backbone.network.get_submodule(layer).register_forward_hook(
        lambda _module, inputs, _output: caught.append(inputs[0].clone())
    )
    with torch.inference_mode():
        backbone(backbone.normalise(images))
    hook.remove()
    return caught[0].numpy()


def by_hook(images, layer):
    with torch.inference_mode():
        return hooked(backbone, backbone.normalise(images), layer).numpy()


# %% [strongest-code]
def strongest(images, layer, channel, count):
    maps = by_hook(images, layer)
    return np.argsort(-maps[:, channel].max(axis=(1, 2)), kind="stable")[:count]


# %% [gratings-code]
def grating_answers(layer, channel, angles):
    return by_hook(np.stack([grating(angle) for angle in angles]), layer)[:, channel].mean(axis=(1, 2))
