"""How worlds are asked and how they answer, in all the ways that are about, brought to one.

`reset` with and without a seed, with and without infos; four results of `step` or five; a value for every agent in a
dictionary, a list, or one for all.
"""

import inspect
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lockstep.envs.foreign.remarks import Remarks, UnreadableError

Infos = Mapping[Hashable, Mapping[str, Any]]


class Answer(NamedTuple):
    """What came of a reset or a step, as it came."""

    seen: Any
    rewards: Any
    terminated: Any
    truncated: Any
    infos: Any


def ask_reset(env: Any, seed: int | None, remarks: Remarks) -> Any:
    """Call `reset` in the way that it can be called."""
    if takes_seed(env):
        return env.reset(seed=seed)
    seeding = getattr(env, "seed", None)
    if seed is not None and callable(seeding):
        seeding(seed)
        remarks.say("seed", "reset takes no seed, so the world's seed(...) is called before it.")
    else:
        remarks.say(
            "seed",
            "reset takes no seed, and there is no seed(...): only the global generators of Python, NumPy and torch, "
            "which are seeded for it here, can make two episodes equal.",
            doubtful=True,
        )
    return env.reset()


def takes_seed(env: Any) -> bool:
    """Whether `reset` has a place for a seed."""
    try:
        parameters = inspect.signature(env.reset).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(one.name == "seed" or one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)


def after_reset(result: Any, agents: Sequence[Hashable], remarks: Remarks) -> Answer:
    """The observations and infos that `reset` returned. Raises UnreadableError for anything else."""
    seen, infos = result, {}
    if _is_pair(result) and (isinstance(result[0], Mapping) or len(agents) != 2 or _fits(result[0], agents)):
        seen, infos = result
    else:
        remarks.say("infos", "reset returns observations alone, so there are no infos at the start.")
    if seen is None:
        raise UnreadableError("reset returned nothing, where observations and infos are expected")
    return Answer(seen, {}, None, None, infos)


def after_step(result: Any, remarks: Remarks) -> Answer:
    """The five results of `step`, or the four of Gym before 0.26. Raises UnreadableError for anything else."""
    if isinstance(result, tuple | list) and len(result) == 5:
        return Answer(*result)
    if isinstance(result, tuple | list) and len(result) == 4:
        seen, rewards, done, infos = result
        remarks.say("old step", "step returns four results, one flag for both ends; only a known limit is truncation.")
        return Answer(seen, rewards, done, None, infos)
    what = f"{len(result)} results" if isinstance(result, tuple | list) else f"{type(result).__name__}"
    raise UnreadableError(
        f"step returned {what}, where observations, rewards, terminations, truncations and infos are expected"
    )


def by_agent(what: str, value: Any, agents: Sequence[Hashable]) -> Mapping[Hashable, Any]:
    """Values by agent, from a dictionary or one after the other. Raises UnreadableError for anything else."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        strange = [key for key in value if key not in agents and key != "__all__"]
        if strange and not any(agent in value for agent in agents):
            raise UnreadableError(
                f"the {what} are for {', '.join(map(repr, strange[:3]))}, where the agents are "
                f"{', '.join(map(repr, agents[:3]))}"
            )
        return value
    if isinstance(value, tuple | list | np.ndarray) and len(value) == len(agents):
        return dict(zip(agents, value, strict=True))
    if len(agents) == 1:
        return {agents[0]: value}
    count = f"{len(value)} values" if isinstance(value, tuple | list | np.ndarray) else f"one {type(value).__name__}"
    raise UnreadableError(f"the {what} are {count}, where one for each of {len(agents)} agents is expected")


def rewards_by_agent(value: Any, agents: Sequence[Hashable], remarks: Remarks) -> Mapping[Hashable, Any]:
    """Rewards by agent. A single number is the team's, and booked on its first agent."""
    if value is not None and not isinstance(value, Mapping) and np.size(value) == 1 and len(agents) > 1:
        remarks.say("reward", f"One reward for the whole team; it is booked on {agents[0]}.")
        return {agents[0]: value}
    return by_agent("rewards", value, agents)


def infos_by_agent(value: Any, agents: Sequence[Hashable]) -> tuple[Infos, Mapping[str, Any]]:
    """What is told to single agents, and what is told to all."""
    if isinstance(value, Mapping):
        own = {agent: value[agent] for agent in agents if isinstance(value.get(agent), Mapping)}
        common = value.get("__common__")  # RLlib's name
        return own, {**value, **common} if isinstance(common, Mapping) else value
    if isinstance(value, tuple | list) and len(value) == len(agents):
        return {agent: info for agent, info in zip(agents, value, strict=True) if isinstance(info, Mapping)}, {}
    return {}, {}


def _is_pair(result: Any) -> bool:
    """Whether this is (observations, infos)."""
    return isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], Mapping)


def _fits(seen: Any, agents: Sequence[Hashable]) -> bool:
    """Whether this holds something for every agent; two agents that see dictionaries look like a pair, too."""
    return isinstance(seen, tuple | list | np.ndarray) and len(seen) == len(agents)
