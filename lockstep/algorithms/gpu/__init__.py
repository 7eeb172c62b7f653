"""Q-learning on a GPU, without the host between its operations.

`GraphQLearner` (learner.py) is the page (`q_learning.py`) recorded once as a CUDA graph and then played again for every
batch. Nothing of an update comes back to the host: what was not finite is seen some updates later.
"""
