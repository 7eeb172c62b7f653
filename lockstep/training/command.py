"""What `lockstep train` and `lockstep resume` do around the loop: lock, loggers, status, confirmation, last words."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
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
from lockstep.envs.registry import has_official_engine, make_env, names_code, try_out
from lockstep.errors import UserError
from lockstep.formats import clock, counted, percent
from lockstep.runs.directory import RunDirectory, Status, write_atomically
from lockstep.runs.headline import (
    CONFIRM_EPISODES,
    CONTRADICTION,
    JUDGE_EPISODES,
    Score,
    chance_of_contradiction,
    headline,
    judged_return,
    judged_scores,
)
from lockstep.runs.loggers import LineLogger, Logger, Row, SilentLogger, build_loggers
from lockstep.runs.reader import RunReader
from lockstep.shell import command_line
from lockstep.teams.judge import Engine, judge_every_way
from lockstep.training import trainer
from lockstep.training.checkpoints.checkpoint import changed_settings, check_begun, inheritance
from lockstep.training.estimate import check_memory
from lockstep.training.progress import ProgressDisplay
from lockstep.training.time_left import Pace
from lockstep.training.trainer import StoppedBecause, TrainResult, denial, refusal

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
MAX_EPISODE_STEPS = 10_000


@dataclass(frozen=True)
class Outcome:
    """How a training ended, for people and for scripts."""

    run: RunDirectory
    result: TrainResult
    confirmation: dict[str, Any] | None
    """The best policy judged anew, on the official package where there is one; None where nothing was trained."""

    def row(self) -> dict[str, Any]:
        return {
            "run": str(self.run.path),
            **asdict(self.result),
            "judged_return": None if self.confirmation is None else self.confirmation["test_return_mean"],
            "confirmation": self.confirmation,
        }

    def text(self) -> str:
        result, path = self.result, self.run.path
        counts = f"{result.env_steps:,} env steps, {counted(result.updates, 'update')}, {clock(result.wall_seconds)}"
        if result.stopped_because == "interrupted":
            again = command_line("resume", path)
            return f"\nInterrupted and saved after {counts}.\n\n  {again}     continues exactly here"
        record = RunReader.open(path)
        found, selected = headline(record), record.selected
        lines = ["", f"{'Solved' if result.stopped_because == 'solved' else 'Finished'} after {counts}."]
        if not result.updates:
            lines.append(
                "  nothing was learnt: it ended before the warm-up was over and the replay held a batch "
                "(collection.warmup_env_steps, replay.batch_size); raise t_max"
            )
        if found is not None:
            lines.append(f"  {found.name:20}  {found.score.text}")
            lines += [f"  {'':20}  {score.text}" for score in judged_scores(record, otherwise=True)[:1]]
            lines += [f"  {'':20}  {sentence}" for sentence in _beside_goal(record, found.score)]
        if selected is not None:
            lines.append(
                f"  {'selected at':20}  {selected.env_steps:,} env steps, by a test return of "
                f"{selected.test_return_mean:.2f} in {counted(selected.episodes, 'episode')}"
            )
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


def _beside_goal(record: RunReader, score: Score) -> list[str]:
    """How a judgement stands to the return at which the run was to stop; nothing where there is none."""
    goal = record.config.training.stop_at_test_return
    if goal is None:
        return []
    if score.mean <= goal:
        return [f"not above the goal of {goal:g}; `stop_at_test_return={1.1 * goal:.3g}` would train on"]
    chance = chance_of_contradiction(score.mean, score.std, score.episodes, goal)
    return [f"above {goal:g}; as many new episodes say otherwise with a chance of {percent(chance)}"]


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
                f"{config.env.key}: episodes end after {counted(trial.limit, 'step')} by the world's own limit, so "
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


def train(
    config: RunConfig, run: RunDirectory, *, quiet: bool, look: Look | None = None, pace: Pace | None = None
) -> Outcome:
    """Train into a new run directory. `look` is asked after every evaluation what the user should know; `pace` is what
    was measured before, for the time that is left."""
    return _around(run, config, quiet, look, lambda loggers: trainer.train(config, run, loggers), pace)


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
    return _ended_row(RunReader.open(run.path))


def _ended_row(record: RunReader) -> dict[str, Any]:
    found, selected, judged = headline(record), record.selected, record.judgements()
    config, reached = record.config_or_none(), int(record.metrics.last("env_steps") or 0)
    budget = "max_seconds" if config is not None and reached < config.training.max_env_steps else "max_env_steps"
    return {
        "run": str(record.directory.path),
        "stopped_because": "solved" if record.info.get("status") == "solved" else budget,
        "env_steps": reached,
        "best_test_return": None if selected is None else selected.test_return_mean,
        "judged_return": judged_return(found),
        "confirmation": judged[-1] if judged else None,
    }


def ended_text(run: RunDirectory) -> str:
    """The same in a sentence."""
    record = RunReader.open(run.path)
    row, found = _ended_row(record), headline(record)
    result = "" if found is None else f", {found.name} {found.score.text}"
    how = "solved" if row["stopped_because"] == "solved" else "finished"
    return f"{run.path} is {how} already: {row['env_steps']:,} env steps{result}."


def _around(
    run: RunDirectory,
    config: RunConfig,
    quiet: bool,
    look: Look | None,
    work: Callable[[list[Logger]], TrainResult],
    pace: Pace | None = None,
) -> Outcome:
    """Do the work, then judge what came of it. A run that its own evaluations call solved and its judgement does not
    call solved clearly enough goes on."""
    while True:
        result = _guarded(run, config, quiet, look, work, pace)
        is_own = names_code(config.env.key)  # somebody's world may be slow, exist but once, or ask for consent again
        if result.stopped_because == "interrupted" or result.best_test_return is None or is_own:
            return Outcome(run, result, None)
        confirmation = confirm(run, quiet=quiet)
        goal = config.training.stop_at_test_return
        if result.stopped_because != "solved" or goal is None or denial(confirmation, goal) < CONTRADICTION:
            return Outcome(run, result, confirmation)
        if result.env_steps >= config.training.max_env_steps:
            with run.writing("run.json"):
                run.set_status("finished")
            return Outcome(run, replace(result, stopped_because="max_env_steps"), confirmation)
        work = partial(trainer.resume, run, notes=[refusal(confirmation, goal)])


def _guarded(
    run: RunDirectory,
    config: RunConfig,
    quiet: bool,
    look: Look | None,
    work: Callable[[list[Logger]], TrainResult],
    pace: Pace | None,
) -> TrainResult:
    """Do the work while nobody else can, and write down how it ended, whatever happens."""
    with run.locked():
        with run.writing("run.json"):
            run.set_status("running")
        try:
            loggers = _loggers(config, quiet, pace)
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
    return result


def confirm(run: RunDirectory, *, quiet: bool = True) -> dict[str, Any]:
    """Judge the best policy of a run that has ended, as `judge_every_way` does, so that its folder tells the result.

    On the official package where there is one, with more episodes where the run says that it is solved.
    """
    record = RunReader(run)
    engine: Engine = "official" if has_official_engine(record.config.env.key) else "lockstep"
    episodes = CONFIRM_EPISODES if record.info.get("status") == "solved" else JUDGE_EPISODES
    where = "the official package" if engine == "official" else "new seeds"
    with Console(quiet=quiet).status(f"judging the best policy: {episodes} new episodes on {where}"):
        return judge_every_way(run, episodes, engine)


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


def _loggers(config: RunConfig, quiet: bool, pace: Pace | None) -> list[Logger]:
    names = ["jsonl", *(["tensorboard"] if config.logging.tensorboard else []), *config.logging.loggers]
    loggers = build_loggers(names)
    if not quiet:
        console = Console()
        loggers.append(ProgressDisplay(console, pace) if console.is_terminal else LineLogger())
    return loggers
