"""Environments of other people, played as lanes: PettingZoo's, Gymnasium's, and what a function of yours makes.

`factory` makes one from its name, `team` reads what it says (padding, masks, ends), `lanes` plays many in this process,
and `workers` plays them in processes that may die or hang.
"""
