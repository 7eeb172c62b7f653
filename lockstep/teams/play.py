"""Episodes to look at: of a run's team or of a reference team, in the run's world or in any other."""

from collections.abc import Sequence

import numpy as np

from lockstep.acting.policy import Policy, RandomPolicy
from lockstep.config.load import load_config, validated, with_changes
from lockstep.config.schema import RunConfig
from lockstep.config.words import parse_words
from lockstep.envs.onset_memory import underneath
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.registry import family_of, make_env
from lockstep.errors import UserError
from lockstep.formats import counted, steps
from lockstep.runs.directory import RunDirectory
from lockstep.show.recording import Recording
from lockstep.teams.record import Player, record_episode
from lockstep.training.checkpoints.checkpoint import BEST, read_team

POLICIES = ("trained", "random", "heuristic")
ENGINES = ("lockstep", "official")


def play(
    run: str | None = None,
    *,
    policy: str = "trained",
    env_key: str | None = None,
    words: Sequence[str] = (),
    checkpoint: str = BEST,
    episodes: int = 1,
    seed: int = 1,
    time_limit: int | None = None,
    engine: str = "lockstep",
) -> list[Recording]:
    """Record episodes, the first on the random stream of `seed`, the next on seed + 1, and so on.

    run: as in `RunDirectory.find`; it gives the world and the trained team. env_key: the world where there is no run.
    words: what is said of that world besides, as env.arguments.layout=@floor.txt. policy: one of POLICIES. checkpoint:
    as in `load_policy`. time_limit: steps, instead of the world's own.
    Raises UserError for what does not exist or does not fit together.
    """
    if policy not in POLICIES:
        raise UserError(f"--policy {policy} is unknown; it must be {', '.join(POLICIES[:-1])} or {POLICIES[-1]}.")
    if engine not in ENGINES:
        raise UserError(f"--engine {engine} is unknown; it must be {' or '.join(ENGINES)}.")
    if (run is None) == (env_key is None):
        raise UserError(
            "Name a run, or a world with --env KEY and --policy random or heuristic; one of the two, not both."
        )
    if run is None and policy == "trained":
        raise UserError("There is no trained team without a run; name one, or add --policy random or heuristic.")
    found = None if run is None else RunDirectory.find(run)
    config = world_alone(str(env_key), words) if found is None else load_config(str(found.config))
    if time_limit is not None:
        config = config.model_copy(update={"env": config.env.model_copy(update={"time_limit": time_limit})})
    env = make_env(config.env, 1, seed, drawn=True, engine=engine)
    try:
        team = (
            _trained(found, checkpoint, env)
            if found is not None and policy == "trained"
            else reference_team(policy, env, seed)
        )
        return [record_episode(env, team, seed + number, engine) for number in range(episodes)]
    finally:
        env.close()


def world_alone(key: str, words: Sequence[str]) -> RunConfig:
    """A configuration of a world without a run. Raises UserError for words that mean nothing."""
    return validated(with_changes(RunConfig().model_dump(), {"env.key": key, **parse_words(words)}))


def play_best(run: RunDirectory) -> Recording:
    """An episode of a run's best team. Raises UserError where there is none yet, or where its world cannot be drawn."""
    return play(str(run.path))[0]


def _trained(run: RunDirectory, checkpoint: str, env: VectorEnv) -> Player:
    team = read_team(run, checkpoint)
    spec = team.spec
    if env.spec.sizes != spec.sizes:
        raise UserError(
            f"The team in {run.path} was trained with {counted(spec.num_agents, 'agent')}, "
            f"{counted(spec.obs_dim, 'feature')} and {counted(spec.num_actions, 'action')}, which config.toml's "
            f"{env.spec.key} no longer has."
        )
    return Player(team.policy, f"{run.path.name} after {steps(team.env_steps)} steps", team.thoughts)


def reference_team(policy: str, env: VectorEnv, seed: int) -> Player:
    """A team to compare with: `random`, or `heuristic` where one is programmed for the world."""
    if policy == "random":
        return Player(RandomPolicy(env.spec.num_actions, np.random.default_rng(seed)), "random team")
    return Player(heuristic_policy(env), "heuristic team")


def heuristic_policy(env: VectorEnv) -> Policy:
    """The programmed team of an environment's kind. Raises UserError where there is none."""
    team = family_of(env.spec.key).heuristic(underneath(env))
    if team is None:
        raise UserError(f"There is no heuristic team for {env.spec.key}; --policy random plays everywhere.")
    return team
