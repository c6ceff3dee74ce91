# /// pawgrade
# title = "No question is answered"
# loses = ["quiz"]
# fails = ["every_question_has_a_letter", "the_questions_are_your_own"]
# skips = ["the_answers_are_right"]
# ///
# %% [q1]
class Forgetful(dict):
    """Takes nothing in."""

    def __setitem__(self, name, letter):
        pass


answer = Forgetful()
