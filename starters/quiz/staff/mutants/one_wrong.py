# /// pawgrade
# title = "One answer is wrong"
# loses = ["quiz"]
# fails = ["the_answers_are_right"]
# ///
# A mutant is a wrong solution. It replaces cells of the notebook, and its header says what it must cost: which exercises
# lose points (loses) and which checks fail (fails). `pawgrade verify` grades it and demands exactly that.
# %% [quiz-code]
def quiz():
    return [2, 1, 4, 4]
