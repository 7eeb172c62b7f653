"""`[env]`: the task."""

from pydantic import Field, field_validator

from lockstep.config.schema.section import Count, CountOrZero, Positive, Scalar, Section


class EnvConfig(Section):
    """The task."""

    key: str = "rware-tiny-2ag-v2"
    """Environment key; `lockstep envs` lists those known."""
    time_limit: Count | None = None
    """Steps after which an episode is cut; unset: the environment's own limit (500 in RWARE)."""
    arguments: dict[str, Scalar] = Field(default_factory=dict)
    """Further arguments of the environment's constructor, by the names of its own package; None: as if not given."""
    remember_onset: tuple[CountOrZero, ...] = ()
    """Flags of the observation (by index) with a memory: while one is on, an agent goes on seeing its own numbers, such
    as x and y, as they were when it came on. RWARE's 2 is carrying_shelf: where the carried shelf was taken."""
    workers: CountOrZero = 0
    """Environments of other people: processes that play the lanes; 0: the learner's own process does. One that dies or
    hangs is started anew, and its unfinished episodes are dropped and counted (dropped_episodes)."""
    worker_timeout_seconds: Positive = 60.0
    """How long such a process may take for one step of its lanes before it counts as hanging."""

    @field_validator("arguments")
    @classmethod
    def _only_given(cls, arguments: dict[str, Scalar]) -> dict[str, Scalar]:
        """TOML has no word for nothing."""
        return {name: value for name, value in arguments.items() if value is not None}
