"""Algorithms hold what is learnt from experience: each is a page that reads like its paper.

`q_learning` is IQL, VDN and QMIX, `returns` the targets; `registry` knows them by name. `fast` computes the same
gradients quicker, and is held to the pages by tests. No algorithm knows a world, a memory or a file.
"""
