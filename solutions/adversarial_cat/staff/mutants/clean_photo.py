# /// pawgrade
# title = "The photo comes back as it was"
# student = "student05"
# loses = ["ideal", "attack", "half"]
# fails = ["it_starts_from_the_noise", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# skips = ["the_network_is_sure", "the_term_smooths_it", "a_small_shift_changes_little"]
# leaves = ["ideal-code", "ideal-entry-code", "fourier-own-code", "attack-look-code"]
# ///
# %% [attack-code]
def adversarial_image(photo, class_index, epsilon):
    return photo.copy()
