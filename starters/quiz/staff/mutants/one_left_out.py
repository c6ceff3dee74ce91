# /// pawgrade
# title = "One question is left out"
# loses = ["quiz"]
# fails = ["every_question_has_an_answer", "the_answers_are_right"]
# ///
# %% [quiz-code]
def quiz():
    return [2, 1, 4, 0]
