# /// pawgrade
# title = "What goes into the layer, not what it answers"
# loses = ["activations", "strongest", "gratings"]
# fails = ["a_stage_answers", "any_layer_answers", "the_strongest_come_first", "gratings_every_five_degrees", "gratings_of_any_angle"]
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
