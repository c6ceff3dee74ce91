# /// pawgrade
# title = "It stops as soon as the target comes first, however unsure the network is"
# loses = ["ideal", "attack"]
# fails = ["it_starts_from_the_noise", "it_is_sure_of_it"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code", "attack-look-code"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    clean = torch.tensor(photo, dtype=torch.float32)
    target, image = torch.tensor([class_index]), clean.clone()
    for _ in range(60):
        rounded = image.round().requires_grad_()
        scores = backbone(backbone.normalise(rounded[None] / 255))
        if scores.argmax() == class_index:
            break
        (gradient,) = torch.autograd.grad(F.cross_entropy(scores, target), rounded)
        image = image - epsilon / 5 * gradient.sign()
        image = torch.clamp(image, clean - epsilon, clean + epsilon).clamp(0, 255)
    return image.round().to(torch.uint8).numpy()
