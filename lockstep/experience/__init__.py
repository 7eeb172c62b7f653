"""Experience is what happened: episodes, how they are played, remembered, and judged.

`episodes` defines what a batch of them is, `rollout` plays them, `replay` remembers them in bits, and `evaluate` plays
those that nothing is learnt from.
"""
