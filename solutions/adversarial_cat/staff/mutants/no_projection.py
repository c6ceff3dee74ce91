# /// pawgrade
# title = "Small steps, but nothing keeps their sum within the budget"
# loses = ["attack", "half"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    target, image = torch.tensor([class_index]), torch.tensor(photo, dtype=torch.float32)
    for _ in range(10):
        image.requires_grad_()
        loss = F.cross_entropy(backbone(backbone.normalise(image[None] / 255)), target)
        (gradient,) = torch.autograd.grad(loss, image)
        image = (image.detach() - epsilon / 4 * gradient.sign()).clamp(0, 255)
    return image.round().to(torch.uint8).numpy()
