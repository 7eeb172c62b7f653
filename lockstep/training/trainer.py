"""The loop, on one page: play, learn, write down, judge, keep."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

from lockstep import named, trust
from lockstep.algorithms.fast.shares import one_thread
from lockstep.algorithms.learner import DivergedError
from lockstep.compute.machine import cores, resident_mib
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import code_named, names_code
from lockstep.errors import UserError
from lockstep.formats import percent
from lockstep.runs.directory import RunDirectory
from lockstep.runs.headline import CONFIRM_EPISODES, CONTRADICTION, chance_of_contradiction
from lockstep.runs.loggers import Logger
from lockstep.shell import command_line
from lockstep.training.checkpoints.checkpoint import inheritance, load_latest, save_best, save_checkpoint
from lockstep.training.divergence import write_diagnosis
from lockstep.training.interruption import AbandonedError, Interruption
from lockstep.training.session import Session

StoppedBecause = Literal["solved", "max_env_steps", "max_seconds", "interrupted"]
SHARES = "shares"
"""In run.json: processes that work on one batch."""


@dataclass(frozen=True)
class TrainResult:
    """Where a run stands when `train` returns."""

    env_steps: int
    updates: int
    episodes: int
    wall_seconds: float
    stopped_because: StoppedBecause
    last_evaluation: Mapping[str, float] | None
    best_test_return: float | None
    stopped_by_signal: int | None = None


def train(config: RunConfig, run: RunDirectory, loggers: Sequence[Logger]) -> TrainResult:
    """Train from nothing into `run`, until solved, done, or interrupted (which saves first).

    Code of the user's own that the configuration names (a world, an algorithm, loggers) is remembered as this user's
    choice: a run that names the same needs no --trust.

    Raises UserError for a configuration that cannot work or a run that diverged.
    """
    _set_threads(config)
    with _telling(loggers, config, run) as told:
        session = Session(config)
        _write_shares(session, run)
        _note(loggers, [*filter(None, map(trust.remember, codes_named(config))), *_inherited(session, run)])
        return told(_loop(session, run, loggers))


def _inherited(session: Session, run: RunDirectory) -> list[str]:
    """Begin as somebody else's team, where the configuration says so, and save that at once: from then on the run needs
    nothing but its own folder."""
    found = inheritance(session.config, session.spec)
    if found is None:
        return []
    session.begin_from(found.networks, found.env_steps)
    with run.writing("its first checkpoint"):
        save_checkpoint(session, run)
    return [found.said]


def _note(loggers: Sequence[Logger], sentences: Sequence[str]) -> None:
    for sentence in sentences:
        for logger in loggers:
            logger.note(sentence)


def codes_named(config: RunConfig) -> list[trust.Code]:
    """Code of somebody's own that a configuration names: a world, an algorithm, loggers."""
    world = [code_named(config.env)] if names_code(config.env.key) else []
    names = (config.algorithm.name, *config.logging.loggers)
    return [*world, *(named.code_named(name) for name in names if ":" in name)]


def resume(run: RunDirectory, loggers: Sequence[Logger], notes: Sequence[str] = ()) -> TrainResult:
    """Continue the run in `run` from its newest whole checkpoint, as if it had never stopped.

    notes: sentences that the loggers are told first. Rows are cut at the checkpoint; without one they are put aside.
    """
    config = load_config(str(run.config))
    _set_threads(config)
    with _telling(loggers, config, run) as told:
        shares = run.read_info().get(SHARES)
        session = Session(config, shares if isinstance(shares, int) and shares > 0 else None)
        _write_shares(session, run)
        if session.shares > cores() and config.training.num_threads == 0:
            notes = [
                *notes,
                f"{session.shares} processes share every update, as when this run began, so that it goes on bit for "
                f"bit; here are processors for {cores()}, so it is slower.",
            ]
        _note(loggers, [*notes, *load_latest(session, run)])
        if session.env_steps == 0:
            with run.writing("what is kept of the rows"):
                run.put_rows_aside()
            _note(loggers, _inherited(session, run))
        for logger in loggers:
            logger.rewind(session.env_steps)
        return told(_loop(session, run, loggers))


def _write_shares(session: Session, run: RunDirectory) -> None:
    """The number of shares shows in the last digits, so a run keeps it on whatever machine it goes on."""
    with run.writing("run.json"):
        run.write_info({**run.read_info(), SHARES: session.shares})


@contextmanager
def _telling(
    loggers: Sequence[Logger], config: RunConfig, run: RunDirectory
) -> Iterator[Callable[[TrainResult], TrainResult]]:
    """Around a training: every logger that began is told the end, whatever it was, the last one first."""
    outcome, begun = "failed", []

    def told(result: TrainResult) -> TrainResult:
        nonlocal outcome
        outcome = result.stopped_because
        return result

    try:
        for logger in loggers:
            logger.begin(config, run)
            begun.append(logger)
        yield told
    finally:
        for logger in reversed(begun):
            logger.end(outcome)


def _loop(session: Session, run: RunDirectory, loggers: Sequence[Logger]) -> TrainResult:
    config = session.config
    evaluation: Mapping[str, float] | None = None
    stopped_because: StoppedBecause = "max_env_steps"
    clock = time.monotonic() - session.wall_seconds

    with Interruption() as interruption:
        while session.evaluation_due or not session.finished:
            before, dropped = session.env_steps, session.dropped_episodes
            with suppress(AbandonedError), _saving_first(session, run, interruption):
                if not session.evaluation_due:
                    _advance(session, run, interruption)
                    session.wall_seconds = time.monotonic() - clock
                    if _crossed(before, session, config.logging.every_env_steps):
                        resident = resident_mib()
                        told = {} if math.isnan(resident) else {"resident_mib": resident}
                        row = {**session.metrics_row(), **told}
                        for logger in loggers:
                            logger.training(row)
                    session.evaluation_due = session.finished or (
                        not session.warming_up and _crossed(before, session, config.evaluation.every_env_steps)
                    )
                if session.evaluation_due:
                    evaluation, solved = _judge(session, interruption, loggers)
                    best = session.best_test_return
                    if solved or best is None or evaluation["test_return_mean"] >= best:
                        session.best_test_return = evaluation["test_return_mean"]
                        with run.writing("the best policy"):
                            save_best(session, run)
                    if solved:
                        stopped_because = "solved"

            if session.dropped_episodes > dropped:
                for logger in loggers:
                    logger.note(_lost(session.dropped_episodes - dropped))
            over = stopped_because == "solved" or session.finished or interruption.requested
            if over or (not session.warming_up and _crossed(before, session, config.checkpoint.every_env_steps)):
                with run.writing("a checkpoint"):
                    path = save_checkpoint(session, run)
                for logger in loggers:
                    logger.checkpoint(path, session.env_steps)

            for logger in loggers:
                logger.tick(session.status())
            if over:
                if stopped_because != "solved" and (session.evaluation_due or not session.finished):
                    stopped_because = "interrupted"
                elif stopped_because != "solved" and session.env_steps < config.training.max_env_steps:
                    stopped_because = "max_seconds"
                break

    return TrainResult(
        session.env_steps,
        session.learner.updates,
        session.episodes,
        session.wall_seconds,
        stopped_because,
        evaluation,
        session.best_test_return,
        interruption.signal if stopped_because == "interrupted" else None,
    )


@contextmanager
def _saving_first(session: Session, run: RunDirectory, interruption: Interruption) -> Iterator[None]:
    """Where play fails that leaves no trace, as when a world raises something, what was learnt before it is kept.

    Raises UserError in any case, and says how to go on.
    """
    try:
        yield
    except UserError as error:
        if error is not interruption.cut_off:
            raise
        saved = ""
        if session.env_steps:
            with suppress(UserError), run.writing("a checkpoint"):
                save_checkpoint(session, run)
                saved = f" What was learnt in {session.env_steps:,} env steps is saved."
        raise UserError(
            f"{error}{saved} Once that is mended, `{command_line('resume', run.path)}` goes on. `lockstep doctor env "
            f"{session.config.env.key}` plays the world alone."
        ) from error


def _advance(session: Session, run: RunDirectory, interruption: Interruption) -> None:
    try:
        session.advance(interruption.leaving)
        if session.finished:
            session.learner.check()
    except DivergedError as error:
        with run.writing("the diagnosis of a diverged run"):
            folder, suspicion = write_diagnosis(session, error, run)
        raise UserError(
            f"The run diverged at {session.env_steps:,} env steps: {error}. {suspicion} {folder} holds the batch, the "
            f"networks as they were before it, and statistics.json. The checkpoints in {run.path} are from before. Try "
            "a smaller lr, grad_norm_clip or target_tau."
        ) from error


def _judge(session: Session, interruption: Interruption, loggers: Sequence[Logger]) -> tuple[Mapping[str, float], bool]:
    """Evaluate; once more, with new episodes, where that exceeds the goal. Returns the last row, and whether the run
    is solved: whether these exceed it so clearly that its judgement will hardly say otherwise.

    Cut off by a signal, it leaves no trace but that it is due.
    """
    goal, solved = session.config.training.stop_at_test_return, False
    evaluated, rows = session.evaluated_episodes, []
    try:
        with interruption.leaving():
            rows.append((session.evaluation_row(session.config.evaluation.episodes), session.recording))
            if goal is not None and rows[0][0]["test_return_mean"] > goal:
                rows.append((session.evaluation_row(session.config.evaluation.confirm_episodes), session.recording))
                solved = denial(rows[1][0], goal) < CONTRADICTION
    except (AbandonedError, UserError):
        session.evaluated_episodes = evaluated
        raise
    session.evaluation_due = False
    for row, recording in rows:
        for logger in loggers:
            logger.evaluation(row)
            logger.recording(recording)
    if goal is not None and len(rows) > 1 and not solved:
        for logger in loggers:
            logger.note(refusal(rows[1][0], goal))
    return rows[-1][0], solved


def denial(row: Mapping[str, Any], goal: float) -> float:
    """The chance that another judgement of a solved run says that it is not, by the episodes of an evaluation."""
    episodes = min(int(row["episodes"]), CONFIRM_EPISODES)
    return chance_of_contradiction(row["test_return_mean"], row["test_return_std"], episodes, goal)


def refusal(row: Mapping[str, Any], goal: float) -> str:
    """Why an evaluation, or a judgement, does not end a run as solved."""
    where = " on the official package" if row["engine"] == "official" else ""
    return (
        f"{row['episodes']:,} new episodes{where} earn {row['test_return_mean']:.2f}. That {CONFIRM_EPISODES} others "
        f"are not above {goal:g} has a chance of {percent(denial(row, goal))}; it must be below "
        f"{percent(CONTRADICTION)}, so training goes on."
    )


def _lost(episodes: int) -> str:
    return (
        f"A process that plays the environment died or hung: it was started anew, and {episodes} unfinished "
        f"episode{'s were' if episodes > 1 else ' was'} dropped."
    )


def _crossed(before: int, session: Session, every: int) -> bool:
    """Whether a multiple of `every` env steps was reached in this round."""
    return session.env_steps // every > before // every


def _set_threads(config: RunConfig) -> None:
    """On a CPU, processes share an update (algorithms/shares.py) and each of them is one thread."""
    if not config.training.on_gpu:
        one_thread()
