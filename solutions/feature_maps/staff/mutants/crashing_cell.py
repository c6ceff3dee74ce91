# /// pawgrade
# title = "The cell about fur crashes, and nothing defines the function"
# loses = ["fur"]
# fails = ["long_fur_is_told_from_short"]
# leaves = ["maps-code", "eyes-code", "boxes-code", "patches-code", "tuning-code", "fur-look-code"]
# raises = ["RuntimeError"]
# ///
# %% [fur-code]
raise RuntimeError("the channels went missing")
