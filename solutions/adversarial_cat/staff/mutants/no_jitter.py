# /// pawgrade
# title = "The ideal image without jitter: gone when it moves"
# loses = ["ideal", "attack", "half"]
# fails = ["a_small_shift_changes_little", "the_network_says_the_target", "it_is_sure_of_it", "less_is_enough"]
# leaves = ["fourier-own-code", "attack-code", "attack-look-code"]
# ///
# %% [ideal-entry-code]
def ideal_image(noise, class_index, tv_weight):
    image, _ = optimise(noise, class_index, tv_weight, jitter=0)
    return image
