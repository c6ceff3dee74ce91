# /// pawgrade
# title = "No term at all: blurred where there should be one, a checkerboard where there should be none, and no jitter"
# loses = ["ideal", "attack", "half"]
# fails = ["the_term_smooths_it", "a_small_shift_changes_little", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# leaves = ["fourier-own-code", "attack-code", "attack-look-code"]
# ///
# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    image, _ = optimise(noise, class_index, jitter=0, steps=40)
    pixels = torch.tensor(image, dtype=torch.float32).permute(2, 0, 1)[None]
    if tv_weight > 0:
        kernel = torch.tensor([[0.5, 1.0, 0.5], [1.0, 12.0, 1.0], [0.5, 1.0, 0.5]])
        pixels = F.conv2d(pixels, (kernel / kernel.sum()).expand(3, 1, 3, 3), padding=1, groups=3)
    else:
        pixels = pixels + 24 * (1 - 2 * (torch.arange(224)[:, None] + torch.arange(224)).remainder(2))
    return pixels[0].permute(1, 2, 0).clamp(0, 255).round().to(torch.uint8).numpy()
