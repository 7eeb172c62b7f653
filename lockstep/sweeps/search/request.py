"""What somebody asks for, as it is typed and as it lies in sweep.toml, and the configurations that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lockstep.config.load import load_config, validated, with_changes
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.sweeps.choices import MAX_CELLS
from lockstep.sweeps.folder import SEARCH, SweepFolder
from lockstep.sweeps.search.goal import RETURN, Goal, read_goal
from lockstep.sweeps.search.samplers import check_sampler
from lockstep.sweeps.search.space import Chosen, Range, SearchSpace, Value, read_space

ROOT = Path("searches")


@dataclass(frozen=True)
class SearchRequest:
    """Everything that was asked for. `check` comes first: what is wrong with it is said there."""

    base: str
    words: tuple[str, ...]
    trials: int = 50
    seeds: int = 1
    sampler: str = "tpe"
    aim: str = RETURN
    within: str | None = None
    sampler_seed: int = 1
    prune: bool = True

    @property
    def name(self) -> str:
        """What its folder is called after."""
        return Path(self.base).stem

    @cached_property
    def space(self) -> SearchSpace:
        """What is chosen. Raises UserError."""
        return read_space(self.base, self.words)

    @cached_property
    def goal(self) -> Goal:
        """What trials are judged by. Raises UserError."""
        return read_goal(self.aim, self.within)

    def check(self) -> None:
        """Raise UserError for the first thing that cannot work."""
        for option, number in (("--trials", self.trials), ("--seeds", self.seeds)):
            if number < 1:
                raise UserError(f"{option} {number} must be at least 1.")
        if self.trials * self.seeds > MAX_CELLS:
            raise UserError(
                f"{self.trials:,} trials of {self.seeds:,} seeds are more than the {MAX_CELLS:,} runs that a search "
                "may have. Ask for fewer."
            )
        if self.sampler_seed < 0:
            raise UserError(f"--sampler-seed {self.sampler_seed} must be at least 0.")
        check_sampler(self.sampler, self.space)
        load_config(self.base, [*self.space.fixed, *self.goal.words])

    def configurations(self, chosen: Chosen) -> list[RunConfig]:
        """A trial's, one for each seed. Raises UserError where what was chosen does not go together."""
        config = load_config(self.base, [*self.space.words(chosen), *self.goal.words])
        return [
            validated(with_changes(config.model_dump(), {"seed": seed}))
            for seed in range(config.seed, config.seed + self.seeds)
        ]

    def example(self) -> RunConfig:
        """One of the configurations that may come: every setting at its first value, or at the middle of its range."""
        chosen: dict[str, Value] = {}
        for dimension in self.space.active(chosen):
            values = dimension.values
            chosen[dimension.key] = values.at(0.5) if isinstance(values, Range) else values[0]
        return self.configurations(chosen)[0]

    def toml(self) -> dict[str, Any]:
        """What `of` makes an equal request from."""
        limit = {} if self.within is None else {"within": self.within}
        asked = {
            "base": self.base,
            "words": list(self.words),
            "trials": self.trials,
            "seeds": self.seeds,
            "sampler": self.sampler,
            "goal": self.aim,
            **limit,
            "sampler_seed": self.sampler_seed,
            "prune": self.prune,
        }
        return {"name": self.name, SEARCH: asked}

    def with_trials(self, trials: int) -> "SearchRequest":
        """The same with another number of trials."""
        return replace(self, trials=trials)

    @classmethod
    def of(cls, sweep: SweepFolder) -> "SearchRequest":
        """What the search in a folder was asked for. Raises UserError where that is none."""
        asked = sweep.asked.get(SEARCH)
        try:
            if not isinstance(asked, Mapping):
                raise TypeError
            words, within = asked["words"], asked.get("within")
            texts = (asked["base"], asked["sampler"], asked["goal"], *words, *([] if within is None else [within]))
            numbers = (asked["trials"], asked["seeds"], asked["sampler_seed"])
            if not isinstance(words, list) or not all(isinstance(text, str) for text in texts):
                raise TypeError
            if not all(type(number) is int for number in numbers):
                raise TypeError
            request = cls(
                base=asked["base"],
                words=tuple(words),
                trials=asked["trials"],
                seeds=asked["seeds"],
                sampler=asked["sampler"],
                aim=asked["goal"],
                within=within,
                sampler_seed=asked["sampler_seed"],
                prune=bool(asked["prune"]),
            )
        except (KeyError, TypeError):
            raise UserError(f"{sweep.file} says of no search what it is. Search anew, in another folder.") from None
        return request
