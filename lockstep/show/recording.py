"""One episode, remembered: what pictures, films and the replay player are made from. Plain data, no torch."""

from dataclasses import dataclass
from typing import Any

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
    """(agents, actions): each agent's utilities, for a policy that has some"""
    weights: tuple[float, ...] | None = None
    """(agents,): dQ_tot/dQ_i of the utilities chosen, for a team whose mixer is known"""
    team_value: float | None = None
    """Q_tot"""


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
    }
