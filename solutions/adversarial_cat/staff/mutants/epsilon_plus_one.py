# /// pawgrade
# title = "One grey level more than allowed"
# loses = ["attack", "half"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    clean, budget = torch.tensor(photo, dtype=torch.float32), epsilon + 1
    target, image = torch.tensor([class_index]), clean.clone()
    for _ in range(10):
        image.requires_grad_()
        loss = F.cross_entropy(backbone(backbone.normalise(image[None] / 255)), target)
        (gradient,) = torch.autograd.grad(loss, image)
        image = image.detach() - budget / 4 * gradient.sign()
        image = torch.clamp(image, clean - budget, clean + budget).clamp(0, 255)
    return image.round().to(torch.uint8).numpy()
