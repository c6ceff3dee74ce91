# /// pawgrade
# title = "One question is left out"
# loses = ["quiz"]
# fails = ["every_question_has_a_letter", "the_answers_are_right"]
# ///
# A mutant is a wrong solution. It replaces cells of the notebook, and its header says what it must cost: which exercises
# lose points (loses) and which checks fail (fails). `pawgrade verify` grades it and demands exactly that.
# %% [q1]
answer["q1"] = ""
