"""Judge a finished (or unfinished) run again: its policy, on our simulator or on the package it stands for."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from lockstep.acting.policy import Policy
from lockstep.algorithms.registry import algorithm_of
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.registry import make_env
from lockstep.errors import UserError
from lockstep.experience.evaluate import Choice, Evaluation, evaluate, evaluation_explorer, evaluation_lanes
from lockstep.formats import counted
from lockstep.runs.directory import RunDirectory
from lockstep.seeding import derive_seed
from lockstep.teams.play import reference_team
from lockstep.training.checkpoints.checkpoint import BEST, load_policy

Engine = Literal["lockstep", "official"]


@dataclass(frozen=True)
class RunEvaluation:
    """An evaluation and what it judged."""

    evaluation: Evaluation
    engine: Engine
    env_steps: int
    """How long the judged policy was trained."""
    checkpoint: str
    """What was asked for: best, latest, or a number of env steps."""
    seed: int
    """Of the first lane."""
    choice: Choice = "greedy"
    """How the policy was played."""

    def row(self) -> dict[str, Any]:
        """The numbers, by their names in eval.jsonl, and how they came about."""
        return {"env_steps": self.env_steps, "engine": self.engine, "choice": self.choice, **self.evaluation.row()}


def evaluate_run(
    run: RunDirectory,
    episodes: int = 100,
    engine: Engine = "lockstep",
    checkpoint: str = BEST,
    seed: int | None = None,
    choice: Choice | None = None,
) -> RunEvaluation:
    """Episodes of a run's policy on seeds that neither its training nor its own evaluations used.

    choice: greedy or sampled; by default what the run's own evaluations do (`evaluation.choice`).
    checkpoint: as in `load_policy`. seed: of the first lane; by default it follows from the run's. Both engines play
    the same episodes where they are the same game. Raises UserError where nothing can be loaded.
    """
    if episodes < 1:
        raise UserError(f"--episodes {episodes} asks for nothing; it must be at least 1.")
    config = load_config(str(run.config))
    policy, spec, env_steps = load_policy(run, checkpoint)
    first_seed = derive_seed(config.seed, "confirm") if seed is None else seed
    env = make_env(config.env, evaluation_lanes(config, episodes), first_seed, engine=engine)
    try:
        if env.spec.sizes != spec.sizes:
            raise UserError(
                f"The policy in {run.path} was trained for {spec.key} with {counted(spec.num_agents, 'agent')}, "
                f"{counted(spec.obs_dim, 'feature')} and {counted(spec.num_actions, 'action')}, which config.toml's "
                f"{env.spec.key} no longer has."
            )
        played = config.evaluation.choice if choice is None else choice
        explorer = evaluation_explorer(config, env, first_seed, epsilon=0.0, choice=played)
        evaluation = evaluate(policy, env, episodes, first_seed, explorer)
        return RunEvaluation(evaluation, engine, env_steps, checkpoint, first_seed, played)
    finally:
        env.close()


def evaluate_reference(config: RunConfig, policy: str, episodes: int = 100, engine: Engine = "lockstep") -> Evaluation:
    """Episodes of the random or the heuristic team in a configured world.

    As `evaluate_team`; raises UserError where the world has no heuristic team.
    """
    return evaluate_team(config, lambda env, seed: reference_team(policy, env, seed).policy, episodes, engine)


def evaluate_team(
    config: RunConfig, make: Callable[[VectorEnv, int], Policy], episodes: int = 100, engine: Engine = "lockstep"
) -> Evaluation:
    """Episodes of any team in a configured world, where `evaluate_run` judges its run's team, on the same seeds.

    make: the team, for a world and the seed of its first lane. Raises UserError where the world cannot be had.
    """
    if episodes < 1:
        raise UserError(f"--episodes {episodes} asks for nothing; it must be at least 1.")
    seed = derive_seed(config.seed, "confirm")
    env = make_env(config.env, evaluation_lanes(config, episodes), seed, engine=engine)
    try:
        return evaluate(make(env, seed), env, episodes, seed)
    finally:
        env.close()


def judge_every_way(
    run: RunDirectory, episodes: int = 100, engine: Engine = "lockstep", checkpoint: str = BEST
) -> dict[str, Any]:
    """`judge` as the run's evaluations do and, where its algorithm trains by drawing actions, the other way as well.

    Returns the row of the first, with that of the second under its choice: `{"choice": "greedy", "sampled": {...}, …}`.
    """
    config = load_config(str(run.config))
    first = judge(run, episodes, engine, checkpoint, choice=config.evaluation.choice).row()
    if algorithm_of(config).choice == "greedy":
        return first
    other: Choice = "sampled" if first["choice"] == "greedy" else "greedy"
    return {**first, other: judge(run, episodes, engine, checkpoint, choice=other).row()}


def judge(
    run: RunDirectory,
    episodes: int = 100,
    engine: Engine = "lockstep",
    checkpoint: str = BEST,
    seed: int | None = None,
    choice: Choice | None = None,
) -> RunEvaluation:
    """`evaluate_run`, remembered in the run's judgements.jsonl for reports and exports."""
    judged = evaluate_run(run, episodes, engine, checkpoint, seed, choice)
    returns = judged.evaluation.returns.tolist()
    # A run may be somebody else's and read-only; judging it needs no permission.
    with suppress(OSError):
        run.add_judgement({**judged.row(), "checkpoint": checkpoint, "seed": judged.seed, "returns": returns})
    return judged
