"""Benchmark is the field's table of worlds and algorithms, trained as one sweep and told as one report.

`tasks` are the worlds with what was published of them, `recipes` how each algorithm is trained on each; `plan` is what
was asked for and grows, `scores` what came of it, `story` how it is told, and `check` judges the committed teams again.
"""
