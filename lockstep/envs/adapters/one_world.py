"""One world behind a face of another library: its random stream is a NumPy generator, its picture a window."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.utils import seeding

from lockstep.arrays import Obs
from lockstep.envs.adapters.kinds import Frame, kind_of
from lockstep.envs.adapters.window import DisplayWindow
from lockstep.envs.protocol import TimeStep
from lockstep.envs.random_streams import move_generator, read_generator
from lockstep.errors import UserError

RENDER_MODES = ("rgb_array", "human")


class OneWorld:
    """A simulator of one lane whose stream goes on where the generator stands that it is handed, and takes it along.

    So whoever draws from the generator between two steps, or puts another one in its place, changes the world's draws,
    as with the official package.
    """

    def __init__(self, key: str, render_mode: str | None, arguments: Mapping[str, Any]) -> None:
        self.kind = kind_of(key)
        self.config = self.kind.configured(key, arguments)
        self.render_mode = checked_render_mode(render_mode, RENDER_MODES)
        self.simulator = self.kind.simulator(key, self.config, 1, 0, 1)
        self._window = DisplayWindow(f"{key.rpartition(':')[2].rpartition('/')[2]} (Lockstep)")

    def reset(self, generator: np.random.Generator, *, anew: bool = False) -> Obs:
        """(1, agents, features), to be copied if it must last. anew: as if nothing had been played before."""
        if anew:
            self.kind.renew(self.simulator)
        read_generator(self.simulator.streams[0], generator)
        obs: Obs = self.simulator.reset()
        move_generator(generator, self.simulator.streams[0])
        self._show()
        return obs

    def step(self, generator: np.random.Generator, actions: Any) -> TimeStep:
        """actions: an entry for every agent, see `lockstep.envs.rware.actions.one_by_one`."""
        read_generator(self.simulator.streams[0], generator)
        step: TimeStep = self.simulator.step(self.kind.in_order(self.config, actions)[None])
        move_generator(generator, self.simulator.streams[0])
        self._show()
        return step

    def picture(self) -> Frame:
        """(height, width, 3) RGB"""
        return self.kind.picture(self.simulator, 0)

    def render(self, mode: str | None) -> Frame | None:
        """The picture; or None, when it is shown in a window, or without a mode."""
        if checked_render_mode(mode, RENDER_MODES) == "human":
            if self.render_mode != "human":  # else every reset and step has shown it
                self._window.show(self.picture())
            return None
        return self.picture() if mode else None

    def close(self) -> None:
        """Close the window."""
        self._window.close()
        self.simulator.close()

    def _show(self) -> None:
        if self.render_mode == "human":
            self._window.show(self.picture())


def checked_render_mode(render_mode: str | None, offered: tuple[str, ...]) -> str | None:
    """Return the mode, if it is offered."""
    if render_mode not in (None, *offered):
        modes = " or ".join(map(repr, offered))
        raise UserError(f"render_mode={render_mode!r} is not offered; use {modes}, or None.")
    return render_mode


def fresh_generator() -> tuple[np.random.Generator, int]:
    """A generator that nobody has seeded, and a seed that would make the same again."""
    return seeding.np_random(int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1)))
