# /// pawgrade
# title = "A function of the same name, which does not last"
# loses = ["quiz"]
# fails = ["every_question_has_a_letter", "the_answers_are_right"]
# ///
# %% [q6]
def quiz():
    """Claim what nobody has answered."""
    return [drawing, 1, 1, 1, 1, 1, 1]
