# /// pawgrade
# title = "Less contrast instead of less variation, and no jitter"
# loses = ["ideal", "attack", "half"]
# fails = ["the_term_smooths_it", "a_small_shift_changes_little", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# leaves = ["fourier-own-code", "attack-code", "attack-look-code"]
# ///
# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    image, _ = optimise(noise, class_index, jitter=0, steps=25)
    # Four fifths of the variation, and of the contrast: the network is nearly as sure as before.
    if tv_weight > 0:
        image = np.uint8(np.rint(0.8 * image + 25.5))
    return image
