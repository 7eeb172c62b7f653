"""When an episode of somebody else's world is over, and whether the world ended or a limit cut it: decided here, once.

Worlds tell it in many ways: a flag for every agent, one for all of them under `"__all__"` (RLlib), a single one
(Gymnasium), a list of them (RWARE's kin), a list of agents that grows shorter (PettingZoo), a word in the infos (Gym as
it was, SMAC).
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lockstep.envs.foreign.remarks import Remarks, UnreadableError

CUT_WORDS = ("TimeLimit.truncated", "episode_limit")
"""In an info, true: a limit cut the episode, whatever the flags say (Gym before 0.26; SMAC and EPyMARL)."""


class Told(NamedTuple):
    """What a world said after a step that bears on its end."""

    terminated: Any
    truncated: Any
    """None where the world has one flag for both."""
    present: Collection[Hashable] | None
    """Whom it still lists; None where it keeps no list."""
    infos: Sequence[Mapping[str, Any]]
    """All that there are, those of single agents among them."""


class Ending(NamedTuple):
    """What that means."""

    here: frozenset[Hashable]
    """The agents that play on; empty once the episode is over."""
    terminated: bool
    truncated: bool


def understand_ending(
    told: Told, agents: Sequence[Hashable], steps: int, time_limit: int, own_limits: Collection[int], remarks: Remarks
) -> Ending:
    """Whether the episode goes on after step number `steps`, and with whom.

    agents: who was there before the step. time_limit: the step after which it is cut here. own_limits: steps after
    which the world says that it ends by itself; an ending there that is called termination alone is truncation, since a
    world that knows the difference calls it both or the latter.

    Raises UnreadableError for flags that are none.
    """
    terminated, all_terminated = _flags("terminations", told.terminated, agents)
    truncated, all_truncated = _flags("truncations", told.truncated, agents)
    gone = {agent for agent in {*terminated, *truncated} if terminated.get(agent) or truncated.get(agent)}
    if not isinstance(told.terminated, Mapping) and not gone.issuperset(agents):
        gone = set()  # worlds with a list of flags go on with everybody until all are done
    here = frozenset(agents if told.present is None else told.present) - gone
    if here and not (all_terminated or all_truncated):
        if len(here) < len(agents):
            remarks.say("leaving", "Agents leave one by one; the episode goes on until the last has left.")
        return Ending(here, False, steps >= time_limit)
    _say_how(told, all_terminated or all_truncated, bool(gone), remarks)
    cut = any(info.get(word) is True for info in told.infos for word in CUT_WORDS)
    cut = cut or any(truncated.get(agent) and not terminated.get(agent) for agent in agents)
    if not cut and not any(truncated.values()) and steps in own_limits:
        cut = True
        remarks.say(
            "its own end",
            f"An episode that terminates in step {steps}, where the world's own limit lies, is taken as truncated.",
        )
    return Ending(frozenset(), not cut, cut)


def _flags(name: str, value: Any, agents: Sequence[Hashable]) -> tuple[dict[Hashable, bool], bool]:
    """A flag for every agent that has one, and the one for all."""
    if value is None:
        return {}, False
    if isinstance(value, Mapping):
        flags = {agent: _flag(name, flag) for agent, flag in value.items()}
        everybody = flags.pop("__all__", False)
        if everybody and not any(flags.values()):
            flags = dict.fromkeys(agents, True)
        return flags, everybody
    if np.size(value) == 1:
        return dict.fromkeys(agents, flag := _flag(name, value)), flag
    if np.shape(value) == (len(agents),):
        return {agent: _flag(name, flag) for agent, flag in zip(agents, value, strict=True)}, False
    raise UnreadableError(f"the {name} are {value!r}, not one flag or one for each of {len(agents)} agents")


def _flag(name: str, value: Any) -> bool:
    flag = np.asarray(value)
    if flag.size != 1 or flag.dtype.kind not in "biuf":
        raise UnreadableError(f"one of the {name} is {value!r}, not true or false")
    return bool(flag.item())


def _say_how(told: Told, for_all: bool, flagged: bool, remarks: Remarks) -> None:
    if for_all:
        how = 'the flag "__all__" says so' if isinstance(told.terminated, Mapping) else "the one flag for all says so"
    elif not flagged:
        how = "no agent is listed any more, though none was flagged"
    else:
        how = "every agent has its flag"
    remarks.say("ending", f"An episode is over when {how}.")
