"""What a learner must know about a world before it has seen it."""

from dataclasses import dataclass

FLAG_BITS, BYTE_BITS, FLOAT_BITS = 1, 8, 32
"""Storage widths of one observation feature: 0/1, an integer 0..255, any float32."""


@dataclass(frozen=True)
class EnvSpec:
    """Shapes and limits of one environment; the same for all of its parallel lanes.

    `state_dim` is the size of the global state that a mixer sees. 0 means that the environment has none of its own and
    the agents' observations, concatenated, serve as the state (EPyMARL's reading of RWARE).
    """

    key: str
    num_agents: int
    obs_dim: int
    num_actions: int
    time_limit: int
    """Most steps in one episode."""
    obs_bits: tuple[int, ...]
    """Storage width of every observation feature, `obs_dim` of them: FLAG_BITS, BYTE_BITS or FLOAT_BITS."""
    own_state_dim: int = 0
    """Size of the environment's own state vector, or 0 when the observations serve."""

    def __post_init__(self) -> None:
        assert len(self.obs_bits) == self.obs_dim, "one storage width per observation feature"
        assert set(self.obs_bits) <= {FLAG_BITS, BYTE_BITS, FLOAT_BITS}

    @property
    def state_dim(self) -> int:
        return self.own_state_dim or self.num_agents * self.obs_dim
