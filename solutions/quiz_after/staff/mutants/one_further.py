# /// pawgrade
# title = "Each letter is one further than it must be"
# loses = ["quiz"]
# fails = ["the_answers_are_right"]
# ///
# %% [q6]
answer["q6"] = "A"
for name, letter in answer.items():
    answer[name] = "BCDA"["ABCD".index(letter)]
