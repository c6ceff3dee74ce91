# /// pawgrade
# title = "Small steps, but nothing keeps their sum within the budget"
# loses = ["ideal", "attack", "half"]
# fails = ["it_starts_from_the_noise", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code", "attack-look-code"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    target, image = torch.tensor([class_index]), torch.tensor(photo, dtype=torch.float32)
    for _ in range(5):
        image.requires_grad_()
        loss = F.cross_entropy(backbone(backbone.normalise(image[None] / 255)), target)
        (gradient,) = torch.autograd.grad(loss, image)
        image = (image.detach() - epsilon / 2 * gradient.sign()).clamp(0, 255)
    return image.round().to(torch.uint8).numpy()
