# /// pawgrade
# title = "Only the stages that the network shows by itself; for other layers the stage that they are in"
# loses = ["activations", "strongest"]
# fails = ["any_layer_answers", "what_a_later_module_overwrites", "ties_keep_their_order"]
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
    stages = {"bn1": "stem", "bn2": "last"}
    stage = stages.get(layer) or f"stage{int(layer.split('.')[1]) + 1}"
    return backbone.feature_maps(images, stage).numpy()


# %% [gratings-code]
def grating_answers(layer, channel, angles):
    x = backbone.normalise(np.stack([grating(angle) for angle in angles]))
    with torch.inference_mode():
        return hooked(backbone, x, layer)[:, channel].mean(dim=(1, 2)).numpy()


# %% [strongest-code]
def strongest(images, layer, channel, count):
    maps = activations(images, layer)
    return np.argsort(-maps[:, min(channel, maps.shape[1] - 1)].max(axis=(1, 2)), kind="stable")[:count]
