"""The task as it is on this machine: its shapes, what is said of it, a picture of its first moment."""

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from lockstep.config.schema import RunConfig
from lockstep.envs.family import About
from lockstep.envs.onset_memory import underneath
from lockstep.envs.registry import family_of, make_env
from lockstep.errors import UserError
from lockstep.spec import EnvSpec

PICTURE_SEED = 1


@dataclass(frozen=True)
class ReportedTask:
    """What was to be learnt."""

    spec: EnvSpec
    about: About
    picture: bytes | None
    """PNG of a fresh world, where its family says what such a picture shows."""


def task_of(config: RunConfig) -> ReportedTask | None:
    """The configured task; None where this machine cannot make it (a report is written without it then)."""
    try:
        env = make_env(config.env, 1, PICTURE_SEED, workers=None)
    except UserError:
        return None
    try:
        family, world = family_of(config.env.key), underneath(env)
        about, scene = family.about(world), family.scene(world)
        if not about.caption or scene is None:
            return ReportedTask(env.spec, about, None)
        world.reset(PICTURE_SEED)
        stream = BytesIO()
        picture = scene.picture([scene.moment(world, 0)], 0, "light")
        Image.fromarray(picture).save(stream, format="PNG", optimize=True)
        return ReportedTask(env.spec, about, stream.getvalue())
    finally:
        env.close()
