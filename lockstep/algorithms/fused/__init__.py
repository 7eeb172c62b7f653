"""QMIX on a CPU, several times faster than the page, to the same numbers.

`FusedQLearner` (learner.py) is the page (`q_learning.py`) but for how a gradient is worked out: forwards and backwards
by hand, compiled, instead of by autograd. agents.py and mixing.py hold the memory of the two halves, the `*_kernel.py`
files their arithmetic. `tests/algorithms/test_fused.py` holds page and kernels together.
"""
