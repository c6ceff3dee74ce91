# /// pawgrade
# title = "Clipped to [0, 1] while the pixels run from 0 to 255"
# loses = ["attack", "half"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    clean = torch.tensor(photo, dtype=torch.float32)
    target, image = torch.tensor([class_index]), clean.clone()
    for _ in range(3):
        image.requires_grad_()
        loss = F.cross_entropy(backbone(backbone.normalise(image[None] / 255)), target)
        (gradient,) = torch.autograd.grad(loss, image)
        image = image.detach() - epsilon / 4 * gradient.sign()
        image = torch.clamp(image, clean - epsilon, clean + epsilon).clamp(0, 1)
    return image.round().to(torch.uint8).numpy()
