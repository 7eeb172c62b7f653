"""Robots that talk while they move, for learners that choose one thing at a time.

rware's action with message bits is a move and as many bits; here it is one of 5 x 2 x ... x 2, the last bit changing
fastest.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask, Obs
from lockstep.envs.protocol import Renders, TimeStep, VectorEnv
from lockstep.envs.rware.actions import NUM_ACTIONS
from lockstep.errors import UserError

MAX_BITS = 5
"""More than 160 actions are a task for another kind of learner."""


class TalkingRobots:
    """A VectorEnv around a warehouse with message bits, whose actions are single numbers."""

    def __init__(self, env: VectorEnv, bits: int) -> None:
        if bits > MAX_BITS:
            raise UserError(
                f"msg_bits={bits} makes {NUM_ACTIONS * 2**bits:,} actions, and learners here choose one of them; ask "
                f"for at most {MAX_BITS}."
            )
        self.env, self.num_envs, self.bits = env, env.num_envs, bits
        self.spec = replace(env.spec, num_actions=NUM_ACTIONS * 2**bits)

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        return self.env.reset(seed, mask)

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See VectorEnv.step."""
        shifts = np.arange(self.bits - 1, -1, -1)
        said = (actions[..., None] >> shifts) & 1
        return self.env.step(np.concatenate([actions[..., None] >> self.bits, said], axis=-1), mask)

    def available_actions(self) -> None:
        """All, always."""

    def state(self) -> NDArray[np.float32] | None:
        return self.env.state()

    def get_state(self) -> dict[str, Any]:
        """See VectorEnv.get_state."""
        return self.env.get_state()

    def set_state(self, state: dict[str, Any]) -> None:
        """See VectorEnv.set_state."""
        self.env.set_state(state)

    def picture(self, lane: int) -> NDArray[np.uint8]:
        """See Renders."""
        assert isinstance(self.env, Renders)
        return self.env.picture(lane)

    def close(self) -> None:
        self.env.close()
