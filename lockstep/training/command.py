"""What `lockstep train` and `lockstep resume` do around the loop: lock, loggers, status, confirmation, last words."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from lockstep.acting.exploration import check_repeat_actions
from lockstep.algorithms.registry import recorded
from lockstep.config.knobs import flat
from lockstep.config.load import dump_toml, load_config, validated, with_changes
from lockstep.config.schema import RunConfig
from lockstep.config.words import parse_words
from lockstep.envs.registry import has_official_engine, make_env, try_out
from lockstep.errors import UserError
from lockstep.formats import clock
from lockstep.runs.directory import RunDirectory, Status, read_rows, write_atomically
from lockstep.runs.loggers import LineLogger, Logger, Row, SilentLogger, build_loggers
from lockstep.runs.reader import RunReader
from lockstep.shell import command_line
from lockstep.teams.judge import judge_every_way
from lockstep.training import trainer
from lockstep.training.checkpoints.checkpoint import changed_settings, check_begun, inheritance
from lockstep.training.estimate import check_memory
from lockstep.training.progress import ProgressDisplay
from lockstep.training.trainer import StoppedBecause, TrainResult

Look = Callable[[], Sequence[str]]
"""What has newly been noticed about the run, in sentences."""

ENDS = ("training.max_env_steps", "training.max_seconds", "training.stop_at_test_return", "training.device")
"""What may change when a run goes on: its end, of which nothing that it has done depends, and the machine's part, by
which numbers differ in their last digits."""
STATUS: dict[StoppedBecause, Status] = {
    "solved": "solved",
    "max_env_steps": "finished",
    "max_seconds": "finished",
    "interrupted": "interrupted",
}
"""What run.json says of a run whose training stopped."""
CONFIRM_EPISODES = 100
MAX_EPISODE_STEPS = 10_000


@dataclass(frozen=True)
class Outcome:
    """How a training ended, for people and for scripts."""

    run: RunDirectory
    result: TrainResult
    confirmation: dict[str, Any] | None
    """The best policy's evaluation on the official package, where there is one."""

    def row(self) -> dict[str, Any]:
        return {"run": str(self.run.path), **asdict(self.result), "confirmation": self.confirmation}

    def text(self) -> str:
        result, path = self.result, self.run.path
        counts = f"{result.env_steps:,} env steps, {result.updates:,} updates, {clock(result.wall_seconds)}"
        if result.stopped_because == "interrupted":
            again = command_line("resume", path)
            return f"\nInterrupted and saved after {counts}.\n\n  {again}     continues exactly here"
        lines = ["", f"{'Solved' if result.stopped_because == 'solved' else 'Finished'} after {counts}."]
        if not result.updates:
            lines.append(
                "  nothing was learnt: it ended before the warm-up was over and the replay held a batch "
                "(collection.warmup_env_steps, replay.batch_size); raise t_max"
            )
        if result.best_test_return is not None:
            config = RunReader(self.run).config_or_none()
            choice = "" if config is None else f", {config.evaluation.choice}"
            lines.append(f"  best test return      {result.best_test_return:.2f}{choice}")
        if self.confirmation is not None:
            others = [inner for inner in self.confirmation.values() if isinstance(inner, dict)]
            for row in (self.confirmation, *others):
                mean, std = row["test_return_mean"], row["test_return_std"]
                kind = f"{row['episodes']} new {row['choice']} episodes"
                lines.append(f"  official package      {mean:.2f} ± {std:.2f}, {kind}")
        further = "stop_at_test_return=None" if result.stopped_because == "solved" else f"t_max={_twice(result)}"
        next_steps = {
            command_line("render", path, "--out", "team.gif"): "the team at work",
            command_line("report", path): "what came of it, on a page",
            command_line("resume", path, further): "train on",
        }
        width = max(map(len, next_steps))
        lines += [f"  run directory         {path}", ""]
        lines += [f"  {words:{width}}   {what}" for words, what in next_steps.items()]
        return "\n".join(lines)


def _twice(result: TrainResult) -> str:
    """Twice the env steps of a run, in round numbers: 60_000_000."""
    return f"{int(float(f'{2 * result.env_steps:.2g}')):_}"


class LookingLogger(SilentLogger):
    """Tells the other loggers after every evaluation what `look` has newly noticed."""

    def __init__(self, look: Look, others: Sequence[Logger]) -> None:
        self._look, self._others = look, others

    def evaluation(self, row: Row) -> None:
        for sentence in self._look():
            for logger in self._others:
                logger.note(sentence)


def check(config: RunConfig, *, replay_must_fit: bool = True) -> None:
    """Raise UserError for a task, a device or an amount of memory that cannot be had, before anything is written."""
    build_loggers(config.logging.loggers)
    _check_device(config.training.device)
    env = make_env(config.env, 1, seed=0)
    masks = env.available_actions() is not None
    env.close()
    check_repeat_actions(config.exploration, env.spec.num_actions)
    if env.spec.time_limit > MAX_EPISODE_STEPS:
        raise UserError(
            f"{config.env.key} has no time limit below {MAX_EPISODE_STEPS:,} steps, and whole episodes are remembered; "
            "set env.time_limit, for example env.time_limit=500."
        )
    check_memory(config, recorded(env.spec, config), masks=masks, replay_must_fit=replay_must_fit)


def _check_device(device: str) -> None:
    """Raise UserError for a GPU that is not there."""
    if device == "cpu":
        return
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (torch.device(device).index or 0) >= count:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        seen = "" if visible is None else f" (CUDA_VISIBLE_DEVICES={visible!r} says which it may see)"
        there = "finds none" if count == 0 else f"finds {count}, counted from 0"
        raise UserError(
            f"training.device={device!r} needs a GPU and a torch built for it, and {there}{seen}. Leave it at cpu; a "
            "run that was begun on a GPU goes on there with `lockstep resume RUN device=cpu`."
        )


def prepare(config: RunConfig, tell: Callable[[str], None], *, replay_must_fit: bool = True) -> RunConfig:
    """The configuration as it can be run, looked at and tried before anything is written.

    tell: what the user should know about the world and the budget, in sentences. Raises UserError as `check` does.
    """
    trial = try_out(config.env)
    if trial is not None:
        for remark in trial.remarks:
            if remark.doubtful and not (remark.about == "one team" and config.env.team):
                tell(f"{config.env.key}: {remark.sentence}")
        if config.env.time_limit is not None and trial.limit < config.env.time_limit:
            tell(
                f"{config.env.key}: episodes end after {trial.limit} steps by the world's own limit, so "
                f"env.time_limit={config.env.time_limit} is written down as {trial.limit}."
            )
            config = validated(with_changes(config.model_dump(), {"env.time_limit": trial.limit}))
    check(config, replay_must_fit=replay_must_fit)
    if config.training.init_from:
        env = make_env(config.env, 1, seed=0)
        env.close()
        inheritance(config, recorded(env.spec, config))
    warmup, budget = config.collection.warmup_env_steps, config.training.max_env_steps
    if budget <= warmup:
        tell(
            f"training.max_env_steps={budget:,} is over before the warm-up of {warmup:,} env steps "
            "(collection.warmup_env_steps): the team will be judged, but nothing will be learnt."
        )
    return config


def train(config: RunConfig, run: RunDirectory, *, quiet: bool, look: Look | None = None) -> Outcome:
    """Train into a new run directory. `look` is asked after every evaluation what the user should know."""
    return _around(run, config, quiet, look, lambda loggers: trainer.train(config, run, loggers))


def resume(
    run: RunDirectory, words: Sequence[str] = (), *, quiet: bool, look: Look | None = None, changed: bool = False
) -> Outcome:
    """Continue a run. words: overrides that move its end.

    Raises UserError for other words, for a run whose checkpoints are gone, and, unless `changed` asks for it, for one
    whose settings are others than when it stopped.
    """
    for key in parse_words(words):
        if key not in ENDS:
            raise UserError(
                f"A run that goes on keeps its {key}; only {' and '.join(ENDS)} can be moved. "
                f"`{command_line('train', run.config, *words)}` begins a new one."
            )
    config = load_config(str(run.config), words)
    check(config)
    check_begun(run)
    differences = changed_settings(run, config, ENDS)
    if differences and not changed:
        raise UserError(
            f"{run.config} was changed {differences}. Change it back, or add --changed to go on with it; from there on "
            "it is another run than the one that stopped."
        )
    notes = [f"{run.config} was changed {differences}; from here on it is another run."] if differences else []

    def work(loggers: list[Logger]) -> TrainResult:
        if words:
            with run.writing("config.toml"):
                write_atomically(run.config, dump_toml(config))
        return trainer.resume(run, loggers, notes)

    return _around(run, config, quiet, look, work)


def same_run(path: Path, config: RunConfig) -> RunDirectory | None:
    """The run in `path`, which was begun with this very configuration; None where there is no run yet.

    Raises UserError where it was begun with another one: a folder is never continued as something that it is not.
    """
    if not (path / "config.toml").is_file():
        return None
    run, wanted = RunDirectory(path), flat(config)
    for name, value in flat(load_config(str(run.config))).items():
        if wanted[name] != value:
            raise UserError(
                f"{path} holds another run: its {name} is {value!r}, and this one's is {wanted[name]!r}. Name another "
                f"--out, or go on with `{command_line('resume', path)}`, which can also move its end."
            )
    return run


def ended_row(run: RunDirectory) -> dict[str, Any]:
    """What is known of a run that has ended, by the names of `Outcome.row`."""
    steps = [row["env_steps"] for row in read_rows(run.metrics) if "env_steps" in row]
    returns = [row["test_return_mean"] for row in read_rows(run.evaluations) if "test_return_mean" in row]
    reader, reached = RunReader(run), max(steps, default=0)
    official = [row for row in reader.judgements() if row.get("engine") == "official"]
    config = reader.config_or_none()
    budget = "max_seconds" if config is not None and reached < config.training.max_env_steps else "max_env_steps"
    return {
        "run": str(run.path),
        "stopped_because": "solved" if reader.info.get("status") == "solved" else budget,
        "env_steps": reached,
        "best_test_return": max(returns, default=None),
        "confirmation": official[-1] if official else None,
    }


def ended_text(run: RunDirectory) -> str:
    """The same in a sentence."""
    row = ended_row(run)
    best = "" if row["best_test_return"] is None else f", best test return {row['best_test_return']:.2f}"
    how = "solved" if row["stopped_because"] == "solved" else "finished"
    return f"{run.path} is {how} already: {row['env_steps']:,} env steps{best}."


def _around(
    run: RunDirectory,
    config: RunConfig,
    quiet: bool,
    look: Look | None,
    work: Callable[[list[Logger]], TrainResult],
) -> Outcome:
    with run.locked():
        with run.writing("run.json"):
            run.set_status("running")
        try:
            loggers = _loggers(config, quiet)
            if look is not None:
                loggers.append(LookingLogger(look, tuple(loggers)))
            with _memory_explained(run):
                result = work(loggers)
            with run.writing("run.json"):
                run.set_status(STATUS[result.stopped_because])
        except BaseException as error:
            # What went wrong may be the disk itself: nothing that is tried now may hide it.
            with suppress(UserError), run.writing("run.json"):
                if isinstance(error, KeyboardInterrupt):
                    run.set_status("interrupted")
                else:
                    said = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
                    run.set_status("failed", reason=said)
            raise
    confirmation = None
    if (
        result.stopped_because != "interrupted"
        and result.best_test_return is not None
        and has_official_engine(config.env.key)
    ):
        confirmation = judge_every_way(run, CONFIRM_EPISODES, "official")
    return Outcome(run, result, confirmation)


@contextmanager
def _memory_explained(run: RunDirectory) -> Iterator[None]:
    """Memory that runs out later, as when others took it, is a sentence, too."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        said = str(error)
        if not isinstance(error, MemoryError) and "memory" not in said:
            raise
        reason = said.strip().partition("\n")[0][:200] or "MemoryError"
        raise UserError(
            f"Memory ran out in {run.path} ({reason}). Free some, or choose a smaller replay.buffer_size; "
            f"`{command_line('resume', run.path)}` continues from its last checkpoint."
        ) from error


def _loggers(config: RunConfig, quiet: bool) -> list[Logger]:
    names = ["jsonl", *(["tensorboard"] if config.logging.tensorboard else []), *config.logging.loggers]
    loggers = build_loggers(names)
    if not quiet:
        console = Console()
        loggers.append(ProgressDisplay(console) if console.is_terminal else LineLogger())
    return loggers
