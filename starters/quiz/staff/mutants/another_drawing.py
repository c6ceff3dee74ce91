# /// pawgrade
# title = "The notebook of another student"
# loses = ["quiz"]
# fails = ["the_questions_are_your_own"]
# skips = ["the_answers_are_right"]
# ///
# %% [q1]
drawing = drawing + 1
answer["q1"] = "A"
