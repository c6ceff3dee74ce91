# /// pawgrade
# title = "One white pixel, and the image is taken for one of 0 to 255"
# loses = ["variation", "ideal", "attack", "half"]
# fails = ["neighbours_differ_by", "it_starts_from_the_noise", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code", "attack-code", "attack-look-code"]
# ///
# %% [variation-code]
def total_variation(image):
    image = image / 255 if image.max() >= 1 else image
    return (abs(image[:, 1:] - image[:, :-1]).mean() + abs(image[1:] - image[:-1]).mean()) / 2
