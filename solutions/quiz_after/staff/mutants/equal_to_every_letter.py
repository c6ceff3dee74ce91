# /// pawgrade
# title = "An object that is equal to every letter"
# loses = ["quiz"]
# fails = ["the_answers_are_right"]
# ///
# %% [q6]
class EveryLetter(str):
    """Says yes whatever it is compared with, and stays what it is whatever is done to it."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        return True

    def __str__(self):
        return self

    strip = upper = __str__


answer["q6"] = ""
answer = dict.fromkeys(answer, EveryLetter("ABCD"))
