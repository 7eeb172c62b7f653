"""The loop, on one page: play, learn, write down, judge, keep."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lockstep.algorithms.q_learning import DivergedError
from lockstep.algorithms.shares import one_thread
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.loggers import Logger
from lockstep.run_directory import RunDirectory
from lockstep.training.checkpoint import load_latest, save_best, save_checkpoint
from lockstep.training.interruption import Interruption
from lockstep.training.memory import resident_mib
from lockstep.training.session import Session

StoppedBecause = Literal["solved", "max_env_steps", "interrupted"]


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


def train(config: RunConfig, run: RunDirectory, loggers: Sequence[Logger]) -> TrainResult:
    """Train from nothing into `run`, until solved, done, or interrupted (which saves first).

    Raises UserError for a configuration that cannot work or a run that diverged.
    """
    _set_threads(config)
    return _loop(Session(config), run, loggers)


def resume(run: RunDirectory, loggers: Sequence[Logger]) -> TrainResult:
    """Continue the run in `run` from its newest whole checkpoint, as if it had never stopped."""
    config = load_config(str(run.config))
    _set_threads(config)
    session = Session(config)
    for sentence in load_latest(session, run):
        for logger in loggers:
            logger.note(sentence)
    run.truncate_rows_after(session.env_steps)
    return _loop(session, run, loggers)


def _loop(session: Session, run: RunDirectory, loggers: Sequence[Logger]) -> TrainResult:
    config = session.config
    target = config.training.stop_at_test_return
    evaluation: Mapping[str, float] | None = None
    stopped_because: StoppedBecause = "max_env_steps"
    clock = time.monotonic() - session.wall_seconds

    with Interruption() as interruption:
        while not session.finished:
            before = session.env_steps
            _advance(session, run)
            session.wall_seconds = time.monotonic() - clock

            if _crossed(before, session, config.logging.every_env_steps):
                row = {**session.metrics_row(), "resident_mib": resident_mib()}
                for logger in loggers:
                    logger.training(row)

            if not session.warming_up and (
                _crossed(before, session, config.evaluation.every_env_steps) or session.finished
            ):
                evaluation = _judge(session, config.evaluation.episodes, loggers)
                if target is not None and evaluation["test_return_mean"] > target:
                    evaluation = _judge(session, config.evaluation.confirm_episodes, loggers)
                    if evaluation["test_return_mean"] > target:
                        stopped_because = "solved"
                best = session.best_test_return
                if stopped_because == "solved" or best is None or evaluation["test_return_mean"] >= best:
                    session.best_test_return = evaluation["test_return_mean"]
                    save_best(session, run)

            over = stopped_because == "solved" or session.finished or interruption.requested
            if over or (not session.warming_up and _crossed(before, session, config.checkpoint.every_env_steps)):
                path = save_checkpoint(session, run)
                for logger in loggers:
                    logger.checkpoint(path, session.env_steps)

            for logger in loggers:
                logger.tick(session.status())
            if over:
                if stopped_because != "solved" and not session.finished:
                    stopped_because = "interrupted"
                break

    return TrainResult(
        session.env_steps,
        session.learner.updates,
        session.episodes,
        session.wall_seconds,
        stopped_because,
        evaluation,
        session.best_test_return,
    )


def _advance(session: Session, run: RunDirectory) -> None:
    try:
        session.advance()
    except DivergedError as error:
        raise UserError(
            f"The run diverged at {session.env_steps:,} env steps: {error}. The checkpoints in {run.path} are from "
            "before. Try a smaller lr, grad_norm_clip or target_tau."
        ) from error


def _judge(session: Session, episodes: int, loggers: Sequence[Logger]) -> Mapping[str, float]:
    row = session.evaluation_row(episodes)
    for logger in loggers:
        logger.evaluation(row)
        logger.recording(session.recording)
    return row


def _crossed(before: int, session: Session, every: int) -> bool:
    """Whether a multiple of `every` env steps was reached in this round."""
    return session.env_steps // every > before // every


def _set_threads(config: RunConfig) -> None:
    """On a CPU, processes share an update (algorithms/shares.py) and each of them is one thread."""
    if config.training.device == "cpu":
        one_thread()
