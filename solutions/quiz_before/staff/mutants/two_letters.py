# /// pawgrade
# title = "Two letters for one question"
# loses = ["quiz"]
# fails = ["every_question_has_a_letter", "the_answers_are_right"]
# ///
# %% [q3]
answer["q3"] = "AB"
