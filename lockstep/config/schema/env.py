"""`[env]`: the task."""

from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from lockstep.config.schema.section import ConfigSection, Count, CountOrZero


def _plain(name: str, value: Any) -> Any:
    """What can be written down as TOML and read again. Raises ValueError for anything else."""
    if isinstance(value, list | tuple):
        return [_plain(name, inner) for inner in value]
    if isinstance(value, dict):
        return {key: _plain(name, inner) for key, inner in value.items()}
    if isinstance(value, bool | int | str) or (isinstance(value, float) and isfinite(value)):
        return value
    raise ValueError(f"env.arguments.{name} holds {value!r}, which is no number, text, list or table of them")


class EnvConfig(ConfigSection):
    """The task."""

    key: str = "rware-tiny-2ag-v2"
    """Environment key; `lockstep envs` lists those known."""
    time_limit: Count | None = None
    """Steps after which an episode is cut; unset: the environment's own limit (500 in RWARE)."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of the environment's constructor, by the names of its own package: numbers, texts, lists and
    tables; None: as if not given."""
    state: Literal["joined", "own"] = "joined"
    """What the mixer sees. joined: all agents' observations side by side. own: the state that the environment itself
    tells, in state(), get_state(), its infos or beside its observations."""
    team: tuple[str, ...] = ()
    """The agents that learn, by name, number from 0, or pattern, as adversary*; empty: all. Only their rewards
    count."""
    others: str = "random"
    """With env.team: who plays the other agents. random, heuristic (where a team is programmed), or the folder of a run
    that was trained as them."""
    remember_onset: tuple[CountOrZero, ...] = ()
    """Flags of the observation (by index) with a memory: while one is on, an agent goes on seeing its own numbers, such
    as x and y, as they were when it came on. RWARE's 2 is carrying_shelf: where the carried shelf was taken."""
    workers: CountOrZero = 0
    """Environments of other people: processes that play the lanes; 0: the learner's own process does. One that dies or
    hangs is started anew, and its unfinished episodes are dropped and counted (dropped_episodes)."""
    worker_timeout_seconds: Annotated[float, Field(gt=0.0, le=86_400.0)] = 60.0
    """How long such a process may take for one step of its lanes before it counts as hanging; at most a day."""

    @field_validator("key")
    @classmethod
    def _one_line(cls, key: str) -> str:
        """It is shown in many places, also on terminals, which obey some characters."""
        if not key.isprintable():
            raise ValueError(f"env.key={key!r} must be one line of printable characters")
        return key

    @field_validator("arguments")
    @classmethod
    def _only_given(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        """TOML has no word for nothing."""
        return {name: _plain(name, value) for name, value in arguments.items() if value is not None}

    @field_validator("team", mode="before")
    @classmethod
    def _split(cls, team: Any) -> Any:
        """One word, or several with commas."""
        if isinstance(team, str | int) and not isinstance(team, bool):
            return tuple(str(team).replace(",", " ").split())
        return tuple(map(str, team)) if isinstance(team, list | tuple) else team
