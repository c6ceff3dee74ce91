# /// pawgrade
# title = "The dictionary of answers is overwritten by a list"
# loses = ["quiz"]
# fails = ["every_question_has_a_letter", "the_questions_are_your_own"]
# skips = ["the_answers_are_right"]
# raises = ["TypeError", "AttributeError"]
# ///
# %% [q1]
answer = ["A", "B", "C", "D", "A", "B"]
