"""Does a world keep its promises? The VectorEnv protocol, tried out on a few lanes, for people who bring their own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.policy import random_actions
from lockstep.arrays import Actions
from lockstep.envs.others import agent_names, opposed
from lockstep.envs.protocol import Explains, TimeStep, VectorEnv, dropped_lanes
from lockstep.errors import UserError
from lockstep.formats import counted
from lockstep.spec import BYTE_BITS, FLAG_BITS

LANES, SEED, SPEED_SECONDS = 4, 7, 0.5
Outcome = Literal["kept", "broken", "note"]
Make = Callable[[int, int], VectorEnv]
"""(lanes, seed) -> the world."""


@dataclass(frozen=True)
class Promise:
    """One promise, and what was seen of it."""

    name: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True)
class _Play:
    """One random episode of every lane, written down."""

    obs: NDArray[np.float32]
    """(steps + 1, lanes, agents, features)"""
    steps: list[TimeStep]
    active: list[NDArray[np.bool_]]


def check_env(make: Make) -> list[Promise]:
    """Try every promise of the protocol. What the world itself raises is a broken promise, not an error here."""
    alone = []
    try:
        env = make(LANES, SEED)
    except UserError:
        env = make(1, SEED)  # which may be the sentence that should be heard
        sentence = "there can be but one at a time: train with collection.num_envs=1, or more in as many env.workers"
        alone = [Promise("several at once", "note", sentence)]
    try:
        play = _play(env, SEED)
    except Exception as error:  # a stranger's world may raise anything
        return [Promise("plays an episode", "broken", f"{type(error).__name__}: {error}")]
    checks: tuple[tuple[str, Callable[[Make, VectorEnv, _Play], tuple[Outcome, str]]], ...] = (
        ("shapes and dtypes", _shapes),
        ("finite numbers", _finite),
        ("storage widths", _widths),
        ("same seed, same episode", _deterministic),
        ("another seed, another episode", _seeds_matter),
        ("time limit", _time_limit),
        ("terminated or truncated", _flags),
        ("masked lanes rest", _masks),
        ("finished lanes refuse", _finished),
        ("available actions", _available),
        ("state", _state),
        ("copies exactly", _copies),
        ("agents alike", _agents),
        ("one team", _one_team),
        ("speed", _speed),
    )
    promises = alone
    for name, check in checks:
        try:
            promises.append(Promise(name, *check(make, env, play)))
        except Exception as error:  # a stranger's world may raise anything
            promises.append(Promise(name, "broken", f"{type(error).__name__}: {error}"))
    if isinstance(env, Explains):
        for remark in env.remarks():
            promises.append(Promise(remark.about, "note" if remark.doubtful else "kept", remark.sentence))
    env.close()
    return promises


def _actions(env: VectorEnv, rng: np.random.Generator) -> Actions:
    return random_actions((env.num_envs, env.spec.num_agents), env.spec.num_actions, env.available_actions(), rng)


def _play(env: VectorEnv, seed: int) -> _Play:
    """Uniformly random, from generators that the seed decides."""
    rng = np.random.default_rng(0)
    obs, steps, actives = [env.reset(seed).copy()], [], []
    active = np.ones(env.num_envs, dtype=bool)
    for _ in range(env.spec.time_limit):
        step = env.step(_actions(env, rng), None if active.all() else active)
        if (dropped := dropped_lanes(env)) is not None and dropped.any():
            raise UserError("the process that plays it died, hung or raised something; its last words are above")
        steps.append(TimeStep(step.obs.copy(), step.reward.copy(), step.terminated.copy(), step.truncated.copy()))
        actives.append(active.copy())
        obs.append(steps[-1].obs)
        active = active & ~(step.terminated | step.truncated)
        if not active.any():
            break
    return _Play(np.stack(obs), steps, actives)


def _shapes(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    spec, step = env.spec, play.steps[0]
    wanted: dict[str, tuple[tuple[int, ...], type]] = {
        "obs": ((env.num_envs, spec.num_agents, spec.obs_dim), np.float32),
        "reward": ((env.num_envs, spec.num_agents), np.float32),
        "terminated": ((env.num_envs,), np.bool_),
        "truncated": ((env.num_envs,), np.bool_),
    }
    for name, (shape, dtype) in wanted.items():
        found = getattr(step, name)
        if found.shape != shape or found.dtype != dtype:
            return "broken", f"{name} is {found.dtype} {found.shape}; it must be {np.dtype(dtype)} {shape}"
    agents, features = counted(spec.num_agents, "agent"), counted(spec.obs_dim, "feature")
    actions = counted(spec.num_actions, "action")
    return "kept", f"{agents}, {features}, {actions}"


def _finite(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    if not np.isfinite(play.obs).all():
        return "broken", f"observations hold {(~np.isfinite(play.obs)).sum()} values that are not finite"
    rewards = np.array([step.reward for step in play.steps])
    if not np.isfinite(rewards).all():
        return "broken", "rewards are not always finite"
    return (
        "kept",
        f"observations {play.obs.min():g} to {play.obs.max():g}, rewards {rewards.min():g} to {rewards.max():g}",
    )


def _widths(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    """The replay packs flags into bits and small integers into bytes: what does not fit would be lost."""
    bits = np.array(env.spec.obs_bits)
    flags, small = play.obs[..., bits == FLAG_BITS], play.obs[..., bits == BYTE_BITS]
    if flags.size and not np.isin(flags, (0.0, 1.0)).all():
        return "broken", "a feature declared as a flag is neither 0 nor 1"
    if small.size and not ((small == small.round()) & (small >= 0) & (small <= 255)).all():
        return "broken", "a feature declared as a byte is no integer from 0 to 255"
    return "kept", f"{(bits == FLAG_BITS).sum()} flags, {(bits == BYTE_BITS).sum()} bytes, the rest float32"


def _deterministic(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    twins = {"after a reset of the same world": _play(env, SEED)}
    try:
        other = make(env.num_envs, SEED + 1000)
    except UserError:  # there can be but one
        pass
    else:
        twins["in a new one"] = _play(other, SEED)
        other.close()
    for name, twin in twins.items():
        if not (np.array_equal(twin.obs, play.obs) and _same_rewards(twin, play)):
            return "broken", f"the same seed and actions gave another episode {name}: runs cannot be resumed exactly"
    return "kept", f"observations and rewards, {' and '.join(twins)}"


def _same_rewards(one: _Play, other: _Play) -> bool:
    return all(np.array_equal(a.reward, b.reward) for a, b in zip(one.steps, other.steps, strict=True))


def _seeds_matter(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    other = _play(env, SEED + 500)
    if other.obs.shape == play.obs.shape and np.array_equal(other.obs, play.obs) and _same_rewards(other, play):
        return "note", "a far seed played the same: this world has no chance in it, or ignores the seed"
    return "kept", "a far seed plays differently"


def _time_limit(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    last = play.steps[-1]
    if not (last.terminated | last.truncated | ~play.active[-1]).all():
        return "broken", f"a lane is not over after time_limit={counted(env.spec.time_limit, 'step')}"
    return "kept", f"every lane was over within {counted(env.spec.time_limit, 'step')}"


def _flags(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    if any((step.terminated & step.truncated).any() for step in play.steps):
        return "broken", "an episode was both terminated and truncated: a learner cannot tell whether it has a future"
    ended = np.array([(step.terminated & on).sum() for step, on in zip(play.steps, play.active, strict=True)])
    cut = sum(int((step.truncated & on).sum()) for step, on in zip(play.steps, play.active, strict=True))
    at_limit = len(play.steps) == env.spec.time_limit and ended[:-1].sum() == 0 and ended[-1] == env.num_envs
    if at_limit and env.spec.time_limit > 10:
        return "note", "every episode terminated exactly at the time limit: is that a cut that should be `truncated`?"
    return "kept", f"{ended.sum()} terminated, {cut} truncated"


def _masks(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    obs = env.reset(SEED).copy()
    mask = np.arange(env.num_envs) % 2 == 0
    step = env.step(_actions(env, np.random.default_rng(1)), mask)
    if not np.array_equal(step.obs[~mask], obs[~mask]):
        return "broken", "a step with a mask moved a lane outside the mask"
    if step.reward[~mask].any() or step.terminated[~mask].any() or step.truncated[~mask].any():
        return "broken", "a step with a mask paid or ended a lane outside the mask"
    return "kept", "lanes outside a mask stay as they were"


def _finished(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    _play(env, SEED)
    try:
        env.step(np.zeros((env.num_envs, env.spec.num_agents), dtype=np.int64))
    except UserError:
        return "kept", "stepping on is refused in a sentence"
    return "broken", "a finished lane was stepped without a word: its next reward would count for the old episode"


def _available(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    env.reset(SEED)
    available = env.available_actions()
    if available is None:
        return "kept", "all, always"
    shape = (env.num_envs, env.spec.num_agents, env.spec.num_actions)
    if available.shape != shape or available.dtype != np.bool_:
        return "broken", f"available_actions is {available.dtype} {available.shape}; it must be bool {shape}"
    if not available.any(-1).all():
        return "broken", "an agent has no action that is allowed"
    return "kept", f"{available.mean():.0%} are allowed at the start"


def _state(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    state = env.state()
    if state is None:
        fits = env.spec.own_state_dim == 0
        return ("kept" if fits else "broken"), (
            "the observations serve as the state" if fits else f"none, though own_state_dim={env.spec.own_state_dim}"
        )
    shape = (env.num_envs, env.spec.own_state_dim)
    if state.shape != shape:
        return "broken", f"the state is {state.shape}; it must be {shape}"
    return "kept", f"{env.spec.own_state_dim} features of its own"


def _copies(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    rng = np.random.default_rng(2)
    env.reset(SEED)
    try:
        state = env.get_state()
    except (NotImplementedError, UserError) as error:
        return "note", f"it cannot be copied ({error}); runs still resume exactly, since they start on derived seeds"
    actions = _actions(env, rng)
    first = [np.array(part) for part in env.step(actions)]
    env.set_state(state)
    again = env.step(actions)
    if not all(np.array_equal(one, other) for one, other in zip(first, again, strict=True)):
        return "broken", "after set_state(get_state()) the same actions led elsewhere"
    return "kept", "set_state(get_state()) continues exactly"


def _agents(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    """Features that are used for some agents and always 0 for others are padding: the agents are of different kinds."""
    used = (play.obs != 0).any((0, 1))  # (agents, features)
    uneven = int((used.any(0) & ~used.all(0)).sum())
    if env.spec.num_agents > 1 and uneven > env.spec.obs_dim // 4:
        return "note", f"{uneven} features are used by some agents only: keep agent_id=true, so that they can differ"
    return "kept", "all agents use the same features"


def _one_team(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    sentence = opposed(np.concatenate([step.reward for step in play.steps]), agent_names(env))
    return ("kept", "no agent is paid for what another loses") if sentence is None else ("note", sentence)


def _speed(make: Make, env: VectorEnv, play: _Play) -> tuple[Outcome, str]:
    rng, steps, started = np.random.default_rng(3), 0, time.perf_counter()
    while time.perf_counter() - started < SPEED_SECONDS:
        env.reset(SEED)
        active = np.ones(env.num_envs, dtype=bool)
        while active.any() and time.perf_counter() - started < SPEED_SECONDS:
            step = env.step(_actions(env, rng), active)
            steps += int(active.sum())
            active = active & ~(step.terminated | step.truncated)
    rate = steps / (time.perf_counter() - started)
    return ("kept" if rate > 1_000 else "note"), f"{rate:,.0f} env steps/s in {env.num_envs} lanes, one at a time"


def as_rows(promises: list[Promise]) -> list[dict[str, Any]]:
    """As plain data."""
    return [vars(promise) for promise in promises]
