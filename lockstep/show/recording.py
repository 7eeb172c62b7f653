"""One episode, remembered: what pictures, films and the replay player are made from. Plain data, no torch."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lockstep.envs.scene import Event, Scene

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Step:
    """What happened between two frames."""

    actions: tuple[int, ...]
    """(agents,)"""
    reward: tuple[float, ...]
    """(agents,)"""
    events: tuple[Event, ...] = ()
    values: tuple[tuple[float, ...], ...] | None = None
    """(agents, actions): what each agent thinks of its actions, where that is known; see `Recording.thinks_in`"""
    weights: tuple[float, ...] | None = None
    """(agents,): dQ_tot/dQ_i of the utilities chosen, for a team whose mixer is known"""
    team_value: float | None = None
    """what the team may expect from here on: Q_tot, or a critic's value"""
    advantage: float | None = None
    """how much better it went from here on than expected, for a team whose critic is known"""


@dataclass(frozen=True)
class Recording:
    """An episode of one lane: one moment more than steps, and the scene that draws and tells them."""

    env: str
    policy: str
    """Who played, in words: `solve-s1 at 11.8M env steps`."""
    seed: int
    scene: Scene
    moments: tuple[Any, ...]
    """As the scene takes them from the world."""
    steps: tuple[Step, ...] = ()
    engine: str = "lockstep"
    thinks_in: Literal["values", "chances"] = "values"
    """What the numbers in `Step.values` are: an action's expected reward, or its chance."""

    @property
    def num_frames(self) -> int:
        return len(self.steps) + 1

    def returns(self) -> list[float]:
        """(frames,): the team return so far, 0 in the first frame."""
        rewards = [sum(step.reward) for step in self.steps]
        return [float(total) for total in np.cumsum([0.0, *rewards])]

    def to_json(self) -> dict[str, Any]:
        """Ready for `json.dumps`: what a page's script reads. What the scene tells is beside it."""
        return {
            "version": SCHEMA_VERSION,
            "env": self.env,
            "policy": self.policy,
            "engine": self.engine,
            "seed": self.seed,
            "thinksIn": self.thinks_in,
            "actionNames": list(self.scene.action_names),
            "steps": [_step(step) for step in self.steps],
            "returns": [float(f"{value:.4g}") for value in self.returns()],
            **self.scene.told(self.moments),
        }


def _step(step: Step) -> dict[str, Any]:
    return {
        "actions": list(step.actions),
        "reward": [round(value, 4) for value in step.reward],
        "events": [[event.kind, event.agent, *event.place] for event in step.events],
        "values": None if step.values is None else [[round(v, 4) for v in row] for row in step.values],
        "weights": None if step.weights is None else [round(value, 4) for value in step.weights],
        "teamValue": None if step.team_value is None else round(step.team_value, 4),
        "advantage": None if step.advantage is None else round(step.advantage, 4),
    }
