"""How good is a policy: a fixed number of episodes per lane, on seeds of their own, every one of them counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from lockstep.acting.exploration import Explorer
from lockstep.acting.policy import Policy
from lockstep.config.schema import RunConfig
from lockstep.envs.onset_memory import underneath
from lockstep.envs.others import SharedWorld
from lockstep.envs.protocol import VectorEnv, dropped_lanes
from lockstep.envs.registry import family_of
from lockstep.errors import UserError
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.rollout import collect
from lockstep.runs.metrics import BY_AGENT

MAX_LANES = 256
Choice = Literal["greedy", "sampled"]
"""What agents do: what they value most, or an action drawn by the chances that they give."""


@dataclass(frozen=True)
class Evaluation:
    """Undiscounted team returns and lengths of complete episodes."""

    returns: NDArray[np.float64]
    """(episodes,)"""
    lengths: NDArray[np.int64]
    """(episodes,)"""
    first_round: EpisodeBatch
    """One episode of every lane, whole: for looking at what was done."""
    first_lane: int = 0
    """Which lane the first of them was played in."""
    dropped: int = 0
    """Episodes that were lost with the process that played them, and are not among these."""
    by_agent: Mapping[str, float] = field(default_factory=dict)
    """Where only some agents learn: the mean return of every agent, by name."""

    @property
    def mean(self) -> float:
        """The mean return."""
        return float(self.returns.mean())

    @property
    def std(self) -> float:
        """The standard deviation of the returns, over episodes."""
        return float(self.returns.std())

    def row(self) -> dict[str, float]:
        """The numbers of one row of eval.jsonl."""
        return {
            "test_return_mean": self.mean,
            "test_return_std": self.std,
            "test_ep_length_mean": float(self.lengths.mean()),
            "episodes": len(self.returns),
            **{f"{BY_AGENT}{name}": value for name, value in self.by_agent.items()},
        }

    def first_episode(self) -> dict[str, Any]:
        """What it takes to play the first lane's episode again, besides its seed: every step's actions."""
        steps = int(self.lengths[0])
        return {"return": float(self.returns[0]), "actions": self.first_round.actions[0, :steps].tolist()}


def evaluation_lanes(config: RunConfig, episodes: int) -> int:
    """Lanes that play `episodes` episodes in equal rounds; somebody's Python programs are no more than train."""
    most = config.collection.num_envs if family_of(config.env.key).strangers else MAX_LANES
    rounds = -(-episodes // most)
    return -(-episodes // rounds)


def evaluation_explorer(
    config: RunConfig, env: VectorEnv, seed: int, epsilon: float, choice: Choice | None = None
) -> Explorer | None:
    """How an evaluation leaves what a team values most: by this choice, or the configured one, and with a chance of
    `epsilon`."""
    choice = config.evaluation.choice if choice is None else choice
    if epsilon == 0.0 and choice == "greedy":
        return None
    epsilons, rng = np.full(env.num_envs, epsilon), np.random.default_rng(seed)
    return Explorer(config.exploration, epsilons, env.spec.num_agents, env.spec.num_actions, rng, choice)


def evaluate(policy: Policy, env: VectorEnv, episodes: int, seed: int, explorer: Explorer | None = None) -> Evaluation:
    """Play `episodes` whole episodes, lane i of the first round on random stream `seed + i`.

    Every lane plays the same number of episodes, so short ones are not favored. Surplus episodes of the last round are
    dropped by lane number, not by outcome.
    """
    rounds = -(-episodes // env.num_envs)
    batches, lanes, earned = [], [], []
    world = underneath(env)
    for index in range(rounds):
        batch = collect(env, policy, explorer, seed if index == 0 else None)
        dropped = dropped_lanes(env)
        whole = np.arange(env.num_envs) if dropped is None else np.flatnonzero(~dropped)
        batches.append(batch if len(whole) == env.num_envs else batch.select(torch.from_numpy(whole)))
        lanes.append(whole)
        if isinstance(world, SharedWorld):
            earned.append(world.earned[whole])
    if not len(lanes[0]):
        raise UserError(f"Every episode of an evaluation in {env.spec.key} was lost with the process that played it.")
    returns = torch.cat([batch.returns() for batch in batches])[:episodes]
    lengths = torch.cat([batch.lengths() for batch in batches])[:episodes]
    lost = rounds * env.num_envs - sum(map(len, lanes))
    by_agent: dict[str, float] = {}
    if isinstance(world, SharedWorld):
        means = np.concatenate(earned)[:episodes].mean(0)
        by_agent = dict(zip(world.names, means.tolist(), strict=True))
    return Evaluation(returns.double().numpy(), lengths.numpy(), batches[0], int(lanes[0][0]), lost, by_agent)
