"""`[network]`: the agents' networks."""

from typing import Any

from pydantic import field_validator

from lockstep.config.schema.section import ConfigSection, Count

Sharing = str | tuple[tuple[int, ...], ...]


class NetworkConfig(ConfigSection):
    """The networks that agents value their actions by."""

    recurrent: bool = True
    """True: a GRU between two linear layers. False: a third linear layer in its place (EPyMARL's use_rnn=False)."""
    hidden_dim: Count = 64
    """Width of the agents' hidden layers."""
    layer_norm: bool = False
    """Normalize what a linear layer makes before its ReLU: mean 0, variance 1 over the units (Ba et al. 2016, without
    gain and offset). The pqn algorithms always do, whatever is said here."""
    dueling: bool = False
    """Value actions as the sum of the situation's value and the action's advantage over the mean of all (Wang et al.
    2016)."""
    sharing: Sharing = "all"
    """Which agents learn the same parameters: all of them, none, or groups of them by number, as [[0, 1], [2]]."""
    agent_id: bool = True
    """Append a one-hot agent number to the observation, so that shared parameters can play different roles."""
    last_action: bool = False
    """Append the agent's previous action as a one-hot."""

    @field_validator("sharing", mode="before")
    @classmethod
    def _who_shares(cls, value: Any) -> Sharing:
        if value is None or value in ("all", "none"):
            return value or "none"  # None is how the word none is read
        groups = value if isinstance(value, list | tuple) else []
        if groups and all(isinstance(group, list | tuple) and group for group in groups):
            agents = [agent for group in groups for agent in group]
            if all(type(agent) is int and agent >= 0 for agent in agents) and len(set(agents)) == len(agents):
                return tuple(tuple(group) for group in groups)
        raise ValueError(
            f'network.sharing={value!r} must be "all", "none", or groups of agents that share their parameters, such '
            "as [[0, 1], [2]], each agent in one of them"
        )
