# /// pawgrade
# title = "The first option throughout"
# loses = ["quiz"]
# fails = ["the_answers_are_right"]
# ///
# %% [q6]
answer["q6"] = ""
answer = dict.fromkeys(answer, "A")
