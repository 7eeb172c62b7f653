"""What a learner must know about a world before it has seen it, and what an episode in it consists of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

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
    num_rewards: int = 1
    """What is recorded of every step's rewards: 1, the team's sum, or `num_agents`, every agent's own."""

    def __post_init__(self) -> None:
        assert len(self.obs_bits) == self.obs_dim, "one storage width per observation feature"
        assert set(self.obs_bits) <= {FLAG_BITS, BYTE_BITS, FLOAT_BITS}
        assert self.num_rewards in (1, self.num_agents), "the team's sum, or one reward an agent"

    @property
    def state_dim(self) -> int:
        return self.own_state_dim or self.num_agents * self.obs_dim

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(agents, features, actions): a team plays only where these are what it was trained for."""
        return self.num_agents, self.obs_dim, self.num_actions


@dataclass(frozen=True)
class Field:
    """One array of an episode. Where it is stored in another form than it is used in, `stored` says which."""

    dtype: str
    """By the name that numpy and torch both know it by."""
    rows: Literal["T", "T+1", "1"]
    """One for every step; one more, for the final observation; or one for the whole episode."""
    shape: tuple[int, ...]
    """Of one row."""
    optional: bool = False
    """A world may do without it."""
    padding: int = 0
    """What stands in the rows of steps that did not happen."""
    stored: str = "as it is"
    """"as it is"; "packed": see `packed_dim`; "at the end": once an episode, because it holds of a last step only;
    "not": it follows from the length; or a narrower dtype that can hold all of its numbers."""

    def size(self, steps: int) -> tuple[int, ...]:
        """The shape of the whole array in an episode of so many steps."""
        rows = {"T": (steps,), "T+1": (steps + 1,), "1": ()}[self.rows]
        return (*rows, *self.shape)

    def num_bytes(self, steps: int) -> int:
        """Memory of it in one episode."""
        item = {"bool": 1, "uint8": 1, "int16": 2, "int32": 4, "float32": 4, "int64": 8}[self.dtype]
        return item * prod(self.size(steps))


def episode_fields(spec: EnvSpec) -> dict[str, Field]:
    """Everything that an episode in this world consists of, by name: the one table that all who play, remember, write
    and hand on episodes go through. `lockstep.experience.episodes.EpisodeBatch` says what each of them means."""
    agents = spec.num_agents
    return {
        "obs": Field("float32", "T+1", (agents, spec.obs_dim), stored="packed"),
        "actions": Field("int64", "T", (agents,), stored=narrowest(spec.num_actions - 1, "uint8", "int16", "int32")),
        "reward": Field("float32", "T", (spec.num_rewards,)),
        "terminated": Field("bool", "T", (1,), stored="at the end"),
        "truncated": Field("bool", "T", (1,), stored="not"),
        "filled": Field("bool", "T", (1,), stored="not"),
        "available": Field("bool", "T+1", (agents, spec.num_actions), optional=True, padding=1),
        "own_state": Field("float32", "T+1", (spec.own_state_dim,), optional=True),
    }


def stored_fields(spec: EnvSpec) -> dict[str, Field]:
    """What is remembered of an episode, in memory and in files, by name: its fields as they are stored, and its length.

    Nothing derivable is kept; every number has the narrowest type that holds all of its values.
    """
    stored = {"length": Field(narrowest(spec.time_limit, "int32"), "1", (1,))}
    for name, field in episode_fields(spec).items():
        match field.stored:
            case "as it is":
                stored[name] = field
            case "packed":
                packed = (*field.shape[:-1], packed_dim(spec.obs_bits))
                stored[name] = replace(field, dtype="uint8", shape=packed)
            case "at the end":
                stored[name] = replace(field, rows="1")
            case "not":
                pass
            case dtype:
                stored[name] = replace(field, dtype=dtype)
    return stored


def episode_bytes(spec: EnvSpec, *, masks: bool) -> int:
    """Memory of one remembered episode. masks: whether actions can be unavailable."""
    fields = stored_fields(spec)
    return sum(field.num_bytes(spec.time_limit) for name, field in fields.items() if masks or name != "available")


def packed_dim(obs_bits: Sequence[int]) -> int:
    """Bytes of one packed observation: the bytes first, then the floats, then the flags, eight to a byte."""
    return obs_bits.count(BYTE_BITS) + 4 * obs_bits.count(FLOAT_BITS) + -(-obs_bits.count(FLAG_BITS) // 8)


def narrowest(largest: int, *types: str) -> str:
    """The first of some integer types that holds every number from 0 to `largest`; where none does, int64."""
    most = {"int8": 2**7, "uint8": 2**8, "int16": 2**15, "int32": 2**31}
    return next((dtype for dtype in types if largest < most[dtype]), "int64")
