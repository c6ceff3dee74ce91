# /// pawgrade
# title = "Uphill on the loss of what the network says, away from the dog but not towards the cat"
# loses = ["ideal", "attack", "half"]
# fails = ["it_starts_from_the_noise", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code", "attack-look-code"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    clean = torch.tensor(photo, dtype=torch.float32)
    image, truth = clean.clone(), None
    for _ in range(5):
        image.requires_grad_()
        scores = backbone(backbone.normalise(image[None] / 255))
        truth = scores.argmax(dim=1) if truth is None else truth
        (gradient,) = torch.autograd.grad(F.cross_entropy(scores, truth), image)
        image = image.detach() + epsilon / 3 * gradient.sign()
        image = torch.clamp(image, clean - epsilon, clean + epsilon).clamp(0, 255)
    return image.round().to(torch.uint8).numpy()
