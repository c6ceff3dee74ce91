# /// pawgrade
# title = "No copy is kept: an activation writes into it"
# student = "student03"
# loses = ["activations"]
# fails = ["what_a_later_module_overwrites"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# ///
# %% [activations-code]
def hooked(network, x, layer):
    caught = []
    hook = network.network.get_submodule(layer).register_forward_hook(
        lambda _module, _inputs, output: caught.append(output)
    )
    try:
        network(x)
    finally:
        hook.remove()
    return caught[0]


def activations(images, layer):
    with torch.inference_mode():
        return hooked(backbone, backbone.normalise(images), layer).numpy()
