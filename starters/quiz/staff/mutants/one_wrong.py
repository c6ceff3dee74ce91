# /// pawgrade
# title = "The first answer is wrong, the second one guessed"
# loses = ["quiz"]
# fails = ["the_answers_are_right"]
# ///
# %% [q2]
answer["q1"] = "B" if answer["q1"] == "A" else "A"
answer["q2"] = "B"
