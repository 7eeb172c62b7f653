"""The teams that come with Lockstep, as files beside this one."""

from importlib.resources import files

from lockstep.envs.registry import has_official_engine, make_env
from lockstep.errors import UserError
from lockstep.show.recording import Recording
from lockstep.teams.kept import KeptTeam
from lockstep.teams.record import record_episode

DEMO_TEAMS = {"rware": "demo_team.npz", "foraging": "demo_foraging.npz"}
"""Files beside this one, by the family of the world that they play in: a `KeptTeam` with the seed of a good episode."""


def play_demo(seed: int | None = None, time_limit: int | None = None, family: str = "rware") -> Recording:
    """An episode of a team that comes with Lockstep; by default a good one. family: one of `DEMO_TEAMS`.

    Where the world has an official package, that is stepped: it needs no compiler, so it starts at once.
    Raises UserError where no team comes along.
    """
    if family not in DEMO_TEAMS:
        raise UserError(f"No trained team comes along for {family!r}; there are: {', '.join(DEMO_TEAMS)}.")
    with (files(__package__) / DEMO_TEAMS[family]).open("rb") as file:
        team = KeptTeam.read(file)
    world = team.env
    if time_limit is not None:
        world = world.model_copy(update={"time_limit": time_limit})
    seed = team.about["seed"] if seed is None else seed
    engine = "official" if has_official_engine(world.key) else "lockstep"
    env = make_env(world, 1, seed, engine=engine)
    try:
        return record_episode(env, team.player(env.spec), seed, engine)
    finally:
        env.close()
