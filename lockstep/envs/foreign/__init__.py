"""Foreign plays environments of other people as lanes: PettingZoo's, Gymnasium's, whatever a function of yours makes.

`factory` makes one from its name, `team` reads what it says (padding, masks, ends), `lanes` plays many in this process,
and `workers` plays them in processes that may die or hang.
"""
