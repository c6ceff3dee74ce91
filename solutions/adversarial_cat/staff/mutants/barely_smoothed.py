# /// pawgrade
# title = "A little blur that grows with the weight, and no jitter: smoother, and by far not smooth enough"
# loses = ["ideal", "attack", "half"]
# fails = ["the_term_smooths_it", "a_small_shift_changes_little", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# leaves = ["fourier-own-code", "attack-code", "attack-look-code"]
# ///
# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    image, _ = optimise(noise, class_index, jitter=0, steps=25)
    pixels = torch.tensor(image, dtype=torch.float32).permute(2, 0, 1)[None]
    blurred = F.avg_pool2d(pixels, kernel_size=5, stride=1, padding=2, count_include_pad=False)
    mixed = pixels + 0.0022 * tv_weight * (blurred - pixels)
    return mixed[0].permute(1, 2, 0).clamp(0, 255).round().to(torch.uint8).numpy()
