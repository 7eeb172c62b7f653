"""The task as it is on this machine: its shapes, its floor plan, a picture of its first moment."""

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from lockstep.config.schema import RunConfig
from lockstep.envs.onset_memory import remembering
from lockstep.envs.registry import make_configured
from lockstep.envs.rware.config import WarehouseConfig
from lockstep.envs.rware.draw import draw
from lockstep.envs.rware.simulator import Simulator
from lockstep.errors import UserError
from lockstep.spec import EnvSpec

PICTURE_SEED = 1
CELL_PIXELS = 56


@dataclass(frozen=True)
class Task:
    """What was to be learnt."""

    spec: EnvSpec
    warehouse: WarehouseConfig | None
    """The rules, where the task is a warehouse."""
    picture: bytes | None
    """PNG of a fresh warehouse."""


def task_of(config: RunConfig) -> Task | None:
    """The configured task; None where this machine cannot make it (a report is written without it then)."""
    try:
        env = make_configured(config.env, 1, PICTURE_SEED)
    except UserError:
        return None
    spec = remembering(env, config.env.remember_onset).spec
    try:
        if not isinstance(env, Simulator):
            return Task(spec, None, None)
        env.reset(PICTURE_SEED)
        stream = BytesIO()
        Image.fromarray(draw(env.snapshot(0), CELL_PIXELS)).save(stream, format="PNG", optimize=True)
        return Task(spec, env.config, stream.getvalue())
    finally:
        env.close()
