# /// pawgrade
# title = "Off by a hair: differences are divided by the number of pixels, not of neighbours"
# loses = ["variation", "ideal", "attack", "half"]
# fails = ["neighbours_differ_by", "small_and_long_images", "stripes_and_plain_colours", "it_starts_from_the_noise", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code", "attack-code", "attack-look-code"]
# ///
# %% [variation-code]
def total_variation(image):
    return (abs(image[:, 1:] - image[:, :-1]).sum() + abs(image[1:] - image[:-1]).sum()) / (2 * image.size)
