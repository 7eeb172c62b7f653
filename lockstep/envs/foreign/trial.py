"""A few random episodes of somebody else's world before anything is learnt or written, in a process that it may end."""

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.policy import random_actions
from lockstep.envs.foreign.factory import ForeignEnvFactory
from lockstep.envs.foreign.remarks import Remarks
from lockstep.envs.foreign.workers import WorkerLanes, WorkerSettings
from lockstep.envs.others import opposed
from lockstep.envs.protocol import Trial
from lockstep.errors import UserError

EPISODES, STEPS, SECONDS = 8, 2_000, 4.0
"""Of a trial, whichever are over first; one episode is always played, or STEPS of it."""
SEED = 1


class _Episode(NamedTuple):
    obs: list[NDArray[np.float32]]
    rewards: list[NDArray[np.float32]]
    cut: bool
    """Whether it was played to its end, and a limit was that."""


def try_out(factory: ForeignEnvFactory, settings: WorkerSettings, *, patient: bool) -> Trial:
    """Play at random. patient: a process that dies or hangs ends the trial, not the run that is to come.

    Raises UserError for a world that cannot be had, learnt or played, whatever it does instead.
    """
    env = WorkerLanes(factory, 1, SEED, WorkerSettings(1, settings.timeout_seconds))
    try:
        started, steps, episodes = time.monotonic(), 0, list[_Episode]()
        while not episodes or (
            len(episodes) < EPISODES
            and steps < STEPS
            and time.monotonic() - started < SECONDS
            and not env.dropped.any()
        ):
            # The first is played twice: equal seeds must mean equal episodes.
            episodes.append(_play(env, SEED + max(len(episodes) - 1, 0), STEPS - steps, patient=patient))
            steps += len(episodes[-1].rewards)
        remarks = Remarks({remark.about: remark for remark in env.remarks()})
        if len(episodes) > 1 and not _alike(*episodes[:2]):
            remarks.say(
                "same seed",
                "The same seed and actions gave two different episodes: runs with equal seeds will differ, and one "
                "that was interrupted goes on a little differently.",
                doubtful=True,
            )
        rewards = np.concatenate([np.stack(one.rewards) for one in episodes if one.rewards])
        if (sentence := opposed(rewards, env.agent_names)) is not None:
            remarks.say("one team", sentence, doubtful=True)
        limit = env.spec.time_limit
        lengths = {len(one.rewards) for one in episodes}
        if all(one.cut for one in episodes) and len(lengths) == 1 and min(lengths) < limit:
            limit = min(lengths)
        return Trial(limit, list(remarks.values()))
    finally:
        env.close()


def _play(env: WorkerLanes, seed: int, most: int, *, patient: bool) -> _Episode:
    rng = np.random.default_rng(seed)
    obs, rewards, over, cut = [env.reset(seed).copy()], list[NDArray[np.float32]](), False, False
    while not over and len(rewards) < max(most, 1):
        available = env.available_actions()
        step = env.step(random_actions((1, env.spec.num_agents), env.spec.num_actions, available, rng))
        if env.dropped.any():
            if patient:
                break
            raise UserError(
                f"{env.spec.key} was tried, and its process failed ({env.workers[0].ending}). Nothing was begun. With "
                "env.workers=1 it plays in a process of its own, where that costs an episode."
            )
        obs.append(step.obs.copy())
        rewards.append(step.reward[0].copy())
        cut = bool(step.truncated[0])
        over = cut or bool(step.terminated[0])
    return _Episode(obs, rewards, cut)


def _alike(one: _Episode, other: _Episode) -> bool:
    """As far as both were played."""
    return all(
        np.array_equal(mine, theirs)
        for mine, theirs in (*zip(one.obs, other.obs, strict=False), *zip(one.rewards, other.rewards, strict=False))
    )
