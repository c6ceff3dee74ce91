# /// pawgrade
# title = "With the term, it starts from grey: there is no noise to smooth away"
# loses = ["ideal", "attack", "half"]
# fails = ["it_starts_from_the_noise", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["fourier-own-code", "attack-code", "attack-look-code"]
# ///
# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    start = noise if tv_weight == 0 else np.full_like(noise, 0.5)
    image, _ = optimise(start, class_index, jitter=0, steps=25)
    return image
