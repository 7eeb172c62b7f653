"""`[network]`: the agents' networks."""

from lockstep.config.schema.section import ConfigSection, Count


class NetworkConfig(ConfigSection):
    """The network that every agent values its actions by."""

    recurrent: bool = True
    """True: a GRU between two linear layers. False: a third linear layer in its place (EPyMARL's use_rnn=False)."""
    hidden_dim: Count = 64
    """Width of the agents' hidden layers."""
    agent_id: bool = True
    """Append a one-hot agent number to the observation, so that shared parameters can play different roles."""
    last_action: bool = False
    """Append the agent's previous action as a one-hot."""
