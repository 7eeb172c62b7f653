"""Train a team on an environment of your own: write it as a PettingZoo parallel environment and name its function.

    lockstep train report-week1 env.key=examples.own_world:parallel_env training.max_env_steps=20_000

from the folder above this one, or `python examples/own_world.py` (20,000 steps: it earns 1.9 of at most 2). Nothing
has to be registered.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

CELLS, STEPS = 7, 10
Seen = dict[str, NDArray[np.float32]]


class Meeting(ParallelEnv):  # type: ignore[misc]  # PettingZoo comes without types
    """A robot and a guide must stand on the flagged cell of a ring at the same time.

    The robot stays, moves left, or moves right; the guide can also jump two cells, so it has more actions, and it has a
    clock, so it sees more. Each step costs both of them 0.05; success earns both of them 1 and ends the episode.
    """

    metadata: dict[str, Any] = {"name": "meeting"}  # noqa: RUF012, as in PettingZoo

    def __init__(self, max_cycles: int = STEPS) -> None:
        self.possible_agents = ["robot", "guide"]
        self.observation_spaces = {
            "robot": spaces.Box(0.0, 1.0, (3 * CELLS,), np.float32),  # where the two and the flag are, one-hot
            "guide": spaces.Box(0.0, 1.0, (3 * CELLS + 1,), np.float32),  # and how much time has passed
        }
        self.action_spaces = {"robot": spaces.Discrete(3), "guide": spaces.Discrete(4)}  # stay, left, right; jump
        self.max_cycles = max_cycles
        """Lockstep reads the length of an episode here; otherwise say env.time_limit=10."""
        self.rng = np.random.default_rng()

    def observation_space(self, agent: str) -> spaces.Box:
        """As PettingZoo asks for it."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Discrete:
        """As PettingZoo asks for it."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[Seen, dict[str, Any]]:
        """A new episode; everything random must follow from the seed, so that runs can be repeated."""
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.agents, self.steps = list(self.possible_agents), 0
        self.cells = {agent: int(self.rng.integers(CELLS)) for agent in self.agents}
        self.flag = int(self.rng.integers(CELLS))
        return self._see(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, int]) -> tuple[Seen, dict[str, float], dict[str, bool], dict[str, bool], Any]:
        """Both act at once."""
        for agent, action in actions.items():
            self.cells[agent] = (self.cells[agent] + (0, -1, 1, 2)[action]) % CELLS
        self.steps += 1
        met = set(self.cells.values()) == {self.flag}
        late = self.steps >= self.max_cycles
        here = self.agents
        if met or late:
            self.agents = []
        return (
            self._see(),
            dict.fromkeys(here, 1.0 if met else -0.05),
            dict.fromkeys(here, met),
            dict.fromkeys(here, late and not met),
            {agent: {} for agent in here},
        )

    def _see(self) -> Seen:
        one_hot = np.eye(CELLS, dtype=np.float32)
        places = np.concatenate([one_hot[cell] for cell in (*self.cells.values(), self.flag)])
        return {"robot": places, "guide": np.append(places, np.float32(self.steps / self.max_cycles))}


def parallel_env(**arguments: Any) -> Meeting:
    """What `env.key` names; `env.arguments.max_cycles=20` arrives here."""
    return Meeting(**arguments)


if __name__ == "__main__":
    from lockstep.cli import main

    sys.path.insert(0, str(Path(__file__).parents[1]))
    words = ["training.max_env_steps=20_000", "epsilon_anneal_time=10_000", "test_interval=5_000", "test_nepisode=100"]
    sys.exit(main(["train", "report-week1", "env.key=examples.own_world:parallel_env", *words, *sys.argv[1:]]))
