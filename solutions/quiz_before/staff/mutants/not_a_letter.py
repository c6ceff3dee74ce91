# /// pawgrade
# title = "A letter that the question does not have"
# loses = ["quiz"]
# fails = ["every_question_has_a_letter", "the_answers_are_right"]
# ///
# %% [q1]
answer["q1"] = "E"
