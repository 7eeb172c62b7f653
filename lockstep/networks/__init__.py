"""Networks holds what is learnt: the agents' networks, the mixers above them, and how they are laid out in memory.

`agents` and `gru` are one agent's, `inputs` what it sees, `mixers` the team's, `flat` all parameters as one vector, and
`greedy_policy` the team that a network is at a moment.
"""
