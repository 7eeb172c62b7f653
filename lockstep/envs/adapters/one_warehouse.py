"""One warehouse behind a face of another library: its random stream is a NumPy generator, its picture a window."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from numpy.typing import NDArray

from lockstep.arrays import Obs
from lockstep.envs.adapters.window import DisplayWindow
from lockstep.envs.protocol import TimeStep
from lockstep.envs.random_streams import move_generator, read_generator
from lockstep.envs.rware.actions import one_by_one
from lockstep.envs.rware.config import warehouse_config
from lockstep.envs.rware.draw import draw
from lockstep.envs.rware.keys import plain_key
from lockstep.envs.rware.simulator import Simulator
from lockstep.errors import UserError

Frame = NDArray[np.uint8]
RENDER_MODES = ("rgb_array", "human")


class OneWarehouse:
    """A simulator of one lane whose stream goes on where the generator stands that it is handed, and takes it along.

    So whoever draws from the generator between two steps, or puts another one in its place, changes the world's draws,
    as with the official package.
    """

    def __init__(self, key: str, render_mode: str | None, arguments: Mapping[str, Any]) -> None:
        self.config = warehouse_config(key, **arguments)
        self.render_mode = checked_render_mode(render_mode, RENDER_MODES)
        self.simulator = Simulator(key, self.config, 1, num_threads=1)
        self._window = DisplayWindow(f"{plain_key(key)} (Lockstep)")

    def reset(self, generator: np.random.Generator) -> Obs:
        """(1, agents, features), to be copied if it must last."""
        read_generator(self.simulator.streams[0], generator)
        obs = self.simulator.reset()
        move_generator(generator, self.simulator.streams[0])
        self._show()
        return obs

    def step(self, generator: np.random.Generator, actions: Any) -> TimeStep:
        """actions: an entry for every robot, see `lockstep.envs.rware.actions.one_by_one`."""
        read_generator(self.simulator.streams[0], generator)
        step = self.simulator.step(one_by_one(actions, self.config.msg_bits)[None])
        move_generator(generator, self.simulator.streams[0])
        self._show()
        return step

    def picture(self) -> Frame:
        """(height, width, 3) RGB"""
        return draw(self.simulator.snapshot(0))

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
