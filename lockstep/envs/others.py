"""A world in which only some of the agents learn: the others are played here, and the learners never know.

Tag and other games of two sides are no team: summed, the rewards of those who chase and those who flee are nobody's.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.acting.policy import Policy, random_actions
from lockstep.arrays import Mask, Obs
from lockstep.envs.protocol import (
    Explains,
    NamesAgents,
    Remark,
    Renders,
    TimeStep,
    VectorEnv,
    chosen_lanes,
    dropped_lanes,
)
from lockstep.errors import UserError
from lockstep.spec import EnvSpec

RANDOM, HEURISTIC = "random", "heuristic"
MANY_AGAINST = 0.2
"""Share of the steps in which several agents are paid; above it, signs that differ are no accident."""
LoadTeam = Callable[[str], tuple[Policy, EnvSpec]]
ProgrammedTeam = Callable[[Any], Policy | None]
"""Returns the team that is programmed for a world; None: there is none. See `WorldFamily.heuristic`."""
_loaders: list[LoadTeam] = []


def provide_teams(load: LoadTeam) -> LoadTeam:
    """Say how the team in a run's folder is loaded. Whoever can read checkpoints does; worlds cannot."""
    _loaders[:] = [load]
    return load


class SharedWorld:
    """A VectorEnv around another, with only the learners' observations, actions and rewards.

    Rewards of all agents are added up in `earned`, episode by episode.
    """

    def __init__(
        self, env: VectorEnv, team: Sequence[str], others: str, seed: int, programmed_team: ProgrammedTeam
    ) -> None:
        self.env, self.num_envs, self.names = env, env.num_envs, agent_names(env)
        self.learners, self.rest = _sides(env.spec.key, self.names, team)
        self.spec = replace(env.spec, num_agents=len(self.learners))
        self._policy = _policy(others, env, len(self.rest), programmed_team)
        self._for_all = others == HEURISTIC
        """Whether it plans for all agents, as a programmed team does; only the others do what it says."""
        self._first_seed, self._rng = seed, np.random.default_rng(seed)
        self.earned = np.zeros((self.num_envs, env.spec.num_agents), dtype=np.float64)
        """(num_envs, all agents): of the episode that is being played, or was played last."""
        self._last = np.full((self.num_envs, len(self.rest)), -1, dtype=np.int64)
        self._memory: Any = None
        self._obs = np.zeros((self.num_envs, env.spec.num_agents, env.spec.obs_dim), dtype=np.float32)

    @property
    def agent_names(self) -> tuple[str, ...]:
        """The names of the learners."""
        return tuple(self.names[number] for number in self.learners)

    def reset(self, seed: int | None = None, mask: Mask | None = None) -> Obs:
        """See VectorEnv.reset. With a seed, the random others start anew, too."""
        lanes = chosen_lanes(mask, self.num_envs)
        if seed is not None:
            self._rng = np.random.default_rng((self._first_seed, seed))
        self.earned[lanes] = 0.0
        self._last[lanes] = -1
        if isinstance(self._memory, np.ndarray):
            self._memory[lanes] = 0.0
        elif len(lanes) == self.num_envs:
            self._memory = None
        self._obs[:] = self.env.reset(seed, mask)
        return self._obs[:, self.learners]

    def step(self, actions: NDArray[np.integer[Any]], mask: Mask | None = None) -> TimeStep:
        """See VectorEnv.step."""
        everybody = np.zeros((self.num_envs, len(self.names)), dtype=np.int64)
        everybody[:, self.learners] = actions
        everybody[:, self.rest] = self._others_act()
        step = self.env.step(everybody, mask)
        self._obs[:] = step.obs
        self.earned += step.reward
        return step._replace(obs=self._obs[:, self.learners], reward=step.reward[:, self.learners])

    def available_actions(self) -> Mask | None:
        available = self.env.available_actions()
        return None if available is None else available[:, self.learners]

    def state(self) -> NDArray[np.float32] | None:
        return self.env.state()

    def get_state(self) -> dict[str, Any]:
        """Refused: the others' part of it would have to be copied, too."""
        raise UserError(f"The state of {self.spec.key} with others in it cannot be copied; start episodes from seeds.")

    def set_state(self, state: dict[str, Any]) -> None:
        """Refused, see get_state."""
        raise UserError(f"The state of {self.spec.key} with others in it cannot be restored; start from seeds.")

    @property
    def dropped(self) -> Mask | None:
        """See MayLoseEpisodes."""
        return dropped_lanes(self.env)

    def picture(self, lane: int) -> NDArray[np.uint8]:
        """See Renders."""
        if not isinstance(self.env, Renders):
            raise UserError(f"{self.spec.key} gives no rgb_array picture, so it cannot be shown.")
        return self.env.picture(lane)

    def remarks(self) -> list[Remark]:
        """See Explains."""
        return self.env.remarks() if isinstance(self.env, Explains) else []

    def close(self) -> None:
        self.env.close()

    def _others_act(self) -> NDArray[np.int64]:
        """(num_envs, others). Every lane's are drawn, so that it does not matter which of them still play."""
        available = self.env.available_actions()
        allowed = None if available is None else available[:, self.rest]
        if self._policy is None:
            return random_actions(self._last.shape, self.spec.num_actions, allowed, self._rng)
        if self._for_all:
            nobody = np.full(self._obs.shape[:2], -1, dtype=np.int64)
            actions, self._memory = self._policy.act(self._obs, available, nobody, self._memory)
            return actions[:, self.rest]
        self._last, self._memory = self._policy.act(self._obs[:, self.rest], allowed, self._last, self._memory)
        return self._last


def shared(env: VectorEnv, team: Sequence[str], others: str, seed: int, programmed_team: ProgrammedTeam) -> VectorEnv:
    """`env` itself where everybody learns."""
    return SharedWorld(env, team, others, seed, programmed_team) if team else env


def agent_names(env: VectorEnv) -> tuple[str, ...]:
    """What a world calls its agents; agent_0, agent_1, ... where it does not."""
    if isinstance(env, NamesAgents):
        return env.agent_names
    return tuple(f"agent_{number}" for number in range(env.spec.num_agents))


def opposed(rewards: NDArray[np.float32], names: Sequence[str]) -> str | None:
    """What to say where agents work against each other; None where they may be one team. rewards: (steps, agents)"""
    paid = (rewards != 0).sum(1) > 1
    against = paid & (rewards > 0).any(1) & (rewards < 0).any(1)
    if against.sum() < max(MANY_AGAINST * paid.sum(), 1):
        return None
    up, down = (names[int(number)] for number in (rewards[against].argmax(1)[0], rewards[against].argmin(1)[0]))
    return (
        f"In {against.sum()} of {paid.sum()} random steps in which several agents are paid, it is with opposite signs "
        f"({up} wins where {down} loses), and the team's reward is their sum. env.team={_pattern(up)} lets only that "
        "side learn; env.others says who plays the rest."
    )


def _pattern(name: str) -> str:
    """What names an agent and its kind."""
    kind = name.rstrip("0123456789")
    return f"{kind}*" if kind not in ("", name) else name


def _sides(key: str, names: tuple[str, ...], team: Sequence[str]) -> tuple[list[int], list[int]]:
    """The numbers of the learners, by name, number or pattern, and of all others."""
    learners = set()
    for word in team:
        found = [number for number, name in enumerate(names) if word in (name, str(number)) or fnmatchcase(name, word)]
        if not found:
            raise UserError(
                f"env.team={word!r} is no agent of {key}; there are {', '.join(names)}. Give names, numbers from 0, or "
                "patterns such as 'adversary*'."
            )
        learners.update(found)
    return sorted(learners), [number for number in range(len(names)) if number not in learners]


def _policy(others: str, env: VectorEnv, count: int, programmed_team: ProgrammedTeam) -> Policy | None:
    """Who plays `count` others; None: chance. Raises UserError for a team that is not for them, or not there."""
    if others == RANDOM:
        return None
    if others != HEURISTIC:
        return _loaded(others, replace(env.spec, num_agents=count))
    team = programmed_team(env)
    if team is None:
        raise UserError(
            f"env.others=heuristic: no team is programmed for {env.spec.key}; say random, or the folder of a run."
        )
    return team


def _loaded(others: str, spec: EnvSpec) -> Policy:
    """The team of a run, if it is one for these agents."""
    if not _loaders:
        raise UserError(f"env.others={others!r} cannot be loaded here; say env.others=random.")
    policy, trained = _loaders[0](others)
    theirs, ours = trained.sizes, spec.sizes
    if theirs != ours:
        raise UserError(
            f"env.others={others!r} is a team of {theirs[0]} agents with {theirs[1]} features and {theirs[2]} actions; "
            f"here the others are {ours[0]} with {ours[1]} and {ours[2]}."
        )
    return policy
