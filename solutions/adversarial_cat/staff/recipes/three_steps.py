# /// pawgrade
# title = "An attack of three steps, and no ideal image"
# student = "student07"
# weak = true
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code", "attack-look-code"]
# ///
# Expected: honest and hasty: some of the photos at epsilon 4, few at 2.
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    clean = torch.tensor(photo, dtype=torch.float32)
    target, image = torch.tensor([class_index]), clean.clone()
    for _ in range(3):
        image.requires_grad_()
        loss = F.cross_entropy(backbone(backbone.normalise(image[None] / 255)), target)
        (gradient,) = torch.autograd.grad(loss, image)
        image = image.detach() - epsilon / 3 * gradient.sign()
        image = torch.clamp(image, clean - epsilon, clean + epsilon).clamp(0, 255)
    return image.round().to(torch.uint8).numpy()
