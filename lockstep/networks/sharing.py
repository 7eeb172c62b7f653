"""Which agents act by the same parameters."""

from lockstep.config.schema import NetworkConfig
from lockstep.errors import UserError

Groups = tuple[tuple[int, ...], ...]


def groups(config: NetworkConfig, num_agents: int) -> Groups:
    """The agents of every network, in order. Raises UserError where an agent has none, or two."""
    if config.sharing == "all":
        return (tuple(range(num_agents)),)
    if config.sharing == "none":
        return tuple((agent,) for agent in range(num_agents))
    assert not isinstance(config.sharing, str)
    named = sorted(agent for group in config.sharing for agent in group)
    if named != list(range(num_agents)):
        raise UserError(
            f"network.sharing={[list(group) for group in config.sharing]} must hold every agent from 0 to "
            f'{num_agents - 1} exactly once; "all" and "none" fit any team.'
        )
    return config.sharing
