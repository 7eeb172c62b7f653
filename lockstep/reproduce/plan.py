"""What a reproduction trains: configurations, seeds, scale, and where each run lies. On disk before anything runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pydantic
from pydantic import ConfigDict, Field, TypeAdapter

from lockstep.config.load import load_config
from lockstep.config.presets import PRESETS
from lockstep.config.schema import QLearningConfig, RunConfig
from lockstep.config.schema.section import Count
from lockstep.errors import UserError
from lockstep.files import read_regular
from lockstep.runs.directory import RunDirectory, write_atomically
from lockstep.sweeps.folder import Cell, SweepFolder

Scale = Literal["full", "tenth", "smoke"]
Mode = Literal["vectorized", "literal"]
Device = Literal["cpu", "cuda"]
WEEK1: Mapping[str, str] = {"week1-qmix": "qmix", "week1-vdn": "vdn", "week1-iql": "iql"}
"""Preset `report-week1` with each algorithm."""
WEEK2 = ("report-default", "report-changed", "report-final")
"""The published configurations, as presets, in the order in which they were published."""
OURS = "master"
EXPERIMENTS: Mapping[str, tuple[str, ...]] = {
    "week1": tuple(WEEK1),
    "week2": (*WEEK2, OURS),
    "both": (*WEEK2, OURS, *WEEK1),
}
SHARE_OF_STEPS: Mapping[Scale, float] = {"full": 1.0, "tenth": 0.1, "smoke": 1 / 400}
LOOKS = 20
"""Evaluations in a run of a smaller scale."""
PLAN_FILE = "plan.json"
MAX_SEEDS = 1_000


@pydantic.dataclasses.dataclass(frozen=True, config=ConfigDict(extra="forbid", strict=True))
class Reproduction:
    """A reproduction, whole. The same plan in the same folder is the same work."""

    experiment: str
    scale: Scale = "full"
    mode: Mode = "vectorized"
    seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS)] = 3
    episodes_per_update: Count = 32
    """Of week 2's published configurations: the most at which report-final was seen to learn (docs/results.md)."""
    with_ours: bool = True
    device: Device = "cpu"

    def configurations(self) -> dict[str, RunConfig]:
        """By name, the published ones first; each as it is trained."""
        share = SHARE_OF_STEPS[self.scale]
        names = [name for name in EXPERIMENTS[self.experiment] if name != OURS or self.with_ours]
        return {name: _on_device(scaled(self._configuration(name), share), self.device) for name in names}

    def _configuration(self, name: str) -> RunConfig:
        if name in WEEK1:
            return load_config("report-week1", [f"algorithm={WEEK1[name]}"])
        config = PRESETS[name]()
        if name in WEEK2 and self.mode == "vectorized":
            config = vectorized(config, self.episodes_per_update)
        return config

    def cells(self, out: Path) -> list[Cell]:
        """Every training, seed by seed: a reproduction that grows by seeds keeps the numbers that it had."""
        configurations = self.configurations()
        trained = [
            (name, config.model_copy(update={"seed": seed}))
            for seed in range(1, self.seeds + 1)
            for name, config in configurations.items()
        ]
        return [
            Cell(number, name, config, RunDirectory(out / "runs" / f"{name}-s{config.seed}"))
            for number, (name, config) in enumerate(trained, 1)
        ]

    def sweep(self, out: Path) -> SweepFolder:
        """The sweep in which all of them are trained. Raises OSError where it cannot be written."""
        sweep = SweepFolder(out)
        sweep.write(self.cells(out), {"name": f"reproduce-{self.experiment}", "command": self.command()})
        return SweepFolder.open(out)

    def command(self) -> str:
        """What makes it again, with what is not the usual."""
        usual = Reproduction(self.experiment)
        unusual = [
            f"--{name.replace('_', '-')} {getattr(self, name)}"
            for name in ("scale", "mode", "episodes_per_update", "device")
            if getattr(self, name) != getattr(usual, name)
        ]
        ours = [] if self.with_ours else ["--no-ours"]
        return " ".join([f"lockstep reproduce {self.experiment}", f"--seeds {self.seeds}", *unusual, *ours])

    def difference(self) -> str:
        """What of week 2 is not as it was published, in one sentence of plain words."""
        parts = []
        if self.mode == "vectorized":
            parts.append(
                f"{self.episodes_per_update} episodes are played before each update instead of one, so there are "
                f"{self.episodes_per_update} times fewer updates; the targets are still copied as often for an episode"
            )
        if self.scale != "full":
            parts.append(
                f"everything that is counted in env steps or remembered episodes is {SHARE_OF_STEPS[self.scale]:.3g} "
                "of what was published, so these numbers cannot stand beside the published ones"
            )
        if not parts:
            return "Nothing: one update after every episode, every number as published."
        sentence = "; ".join(parts)
        return f"{sentence[0].upper()}{sentence[1:]}. Every other number is the published one."


_PLAN = TypeAdapter(Reproduction)


def vectorized(config: RunConfig, episodes_per_update: int) -> RunConfig:
    """The configuration with one update for several episodes.

    As published an update is an episode, so the period of the targets is kept in episodes, not in updates: with 16
    times fewer copies the news of a reward would not travel far enough in any run of this length.
    """
    assert isinstance(config.algorithm, QLearningConfig)
    updates = config.algorithm.target_sync_updates
    period = max(1, round(updates / episodes_per_update)) if updates else 0
    return config.model_copy(
        update={
            "collection": config.collection.model_copy(update={"num_envs": episodes_per_update}),
            "algorithm": config.algorithm.model_copy(update={"target_sync_updates": period}),
        }
    )


def scaled(config: RunConfig, share: float) -> RunConfig:
    """The configuration with what is counted in env steps, and the replay, cut to `share`.

    It is evaluated, saved and logged LOOKS times, however short it is.
    """
    if share == 1.0:
        return config

    def cut(section: str, *names: str) -> Any:
        old = getattr(config, section)
        smaller = {name: max(1, round(getattr(old, name) * share)) for name in names if getattr(old, name)}
        return old.model_copy(update=smaller)

    replay, training = cut("replay", "buffer_size"), cut("training", "max_env_steps")
    every = {"every_env_steps": max(1, training.max_env_steps // LOOKS)}
    return config.model_copy(
        update={
            "collection": cut("collection", "warmup_env_steps"),
            "exploration": cut("exploration", "epsilon_anneal_env_steps"),
            "replay": replay.model_copy(update={"buffer_size": max(replay.buffer_size, replay.batch_size)}),
            "training": training,
            "evaluation": config.evaluation.model_copy(update=every),
            "checkpoint": config.checkpoint.model_copy(update=every),
            "logging": config.logging.model_copy(update=every),
        }
    )


def _on_device(config: RunConfig, device: Device) -> RunConfig:
    return config.model_copy(update={"training": config.training.model_copy(update={"device": device})})


def wanted_plan(experiment: str, options: Mapping[str, Any], out: Path, *, resume: bool) -> Reproduction:
    """The plan that was asked for, or with `resume` the one in `out`; nothing is written.

    options: by `Reproduction`'s names; None where nothing was said. Raises UserError for what does not fit.
    """
    if experiment not in EXPERIMENTS:
        raise UserError(f"There is no experiment {experiment!r}; it must be {_choice(tuple(EXPERIMENTS))}.")
    given = {name: value for name, value in options.items() if value is not None}
    for name, choices in (("scale", Scale), ("mode", Mode), ("device", Device)):
        known = get_args(choices)
        if given.get(name, known[0]) not in known:
            raise UserError(f"--{name} {given[name]} is unknown; it must be {_choice(known)}.")
    for name in ("seeds", "episodes_per_update"):
        if given.get(name, 1) < 1:
            raise UserError(f"--{name.replace('_', '-')} {given[name]} must be at least 1.")
    if given.get("seeds", 1) > MAX_SEEDS:
        raise UserError(f"--seeds {given['seeds']} are more than anybody trains; at most {MAX_SEEDS:,} are planned.")
    return resumed_plan(out, {"experiment": experiment, **given}) if resume else Reproduction(experiment, **given)


def _choice(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def new_plan(plan: Reproduction, out: Path) -> Reproduction:
    """Write the plan into an empty folder. Raises UserError where there is a plan already, or anything else."""
    if (out / PLAN_FILE).is_file():
        raise UserError(f"{out} holds a reproduction already. Add --resume to go on with it, or choose another --out.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not empty. Choose another --out.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / PLAN_FILE, json.dumps(asdict(plan), indent=1) + "\n")
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror}). Choose another --out.") from error
    return plan


def resumed_plan(out: Path, asked: Mapping[str, Any]) -> Reproduction:
    """The plan in `out`. asked: options that were said again; they must be the plan's, only seeds may have grown.

    Raises UserError where there is none, or where it says something else.
    """
    try:
        plan = _PLAN.validate_json(read_regular(out / PLAN_FILE))
        if plan.experiment not in EXPERIMENTS:
            raise ValueError(plan.experiment)
    except FileNotFoundError:
        raise UserError(f"{out} holds no reproduction to resume. Leave --resume out to begin one.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{out / PLAN_FILE} cannot be read ({type(error).__name__}). Choose another --out.") from error
    RunDirectory(out).refuse_links()  # runs are made and removed in there
    for name, value in asked.items():
        known = getattr(plan, name)
        if value == known:
            continue
        if name == "seeds" and value > known:
            plan = replace(plan, seeds=value)
            write_atomically(out / PLAN_FILE, json.dumps(asdict(plan), indent=1) + "\n")
            continue
        option = name.replace("_", "-")
        raise UserError(f"{out} was begun with {option} {known}, not {value}. Leave it out, or choose another --out.")
    return plan
