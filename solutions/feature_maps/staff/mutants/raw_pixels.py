# /// pawgrade
# title = "Pixels from 0 to 1, not on the network's own scale"
# student = "student04"
# loses = ["activations", "gratings"]
# fails = ["a_stage_answers", "any_layer_answers", "what_a_later_module_overwrites", "gratings_every_five_degrees", "gratings_of_any_angle"]
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


def scaled(images, layer, x):
    with torch.inference_mode():
        return hooked(backbone, x, layer).numpy()


def activations(images, layer):
    return scaled(images, layer, torch.tensor(images, dtype=torch.float32).permute(0, 3, 1, 2) / 255)


# %% [strongest-code]
def strongest(images, layer, channel, count):
    maps = scaled(images, layer, backbone.normalise(images))
    return np.argsort(-maps[:, channel].max(axis=(1, 2)), kind="stable")[:count]
