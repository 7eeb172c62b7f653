"""Actor-critic put together: the networks, the page, what is faster than the page, and what a round begins with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from lockstep.acting.schedules import schedule
from lockstep.algorithms import actor_critic_insight as insight
from lockstep.algorithms.actor_critic import (
    ActorCriticSettings,
    Hindsight,
    critic_of,
    deviation,
    in_hindsight,
    loss,
    mean,
    normalized,
    shared_experience,
)
from lockstep.algorithms.fast.compiled_actor_critic import CompiledActorCritic, supports
from lockstep.algorithms.fast.threads import GradientThreads
from lockstep.algorithms.gradient_learner import Copies, GradientLearner
from lockstep.algorithms.learner import Gradient, Metrics, Suspect, Thoughts, autograd
from lockstep.config.schema import RunConfig
from lockstep.config.schema.actor_critic import ActorCriticConfig
from lockstep.errors import UserError
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.agents import build_agent
from lockstep.networks.critics import Critic, build_critic
from lockstep.spec import EnvSpec

LEAST_STD = 0.01
"""The smallest unit, in rewards, that a critic counts in: at first, returns are all alike."""
MOMENTS_RATE = 0.05
"""Share of the way that a critic's units move towards a collection's returns, once the first were seen."""


@dataclass(frozen=True)
class ActorCriticPage:
    """See `Page`: the functions of `lockstep.algorithms.actor_critic` and `actor_critic_insight`, with their settings.

    Batches hold, beside an episode's fields, those of `Hindsight` and `entropy_weight` (B, 1).
    """

    settings: ActorCriticSettings
    compiled: CompiledActorCritic | None = None
    """What works the gradient out instead, where it can."""

    def gradient(self, online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch) -> Gradient:
        """See `Page.gradient`."""
        before = Hindsight(*(batch.more[name] for name in Hindsight._fields))
        entropy_weight = batch.more["entropy_weight"]
        found = None if self.compiled is None else self.compiled.gradient(online, batch, before, entropy_weight)
        if found is not None:
            return found
        return autograd(lambda: loss(online, batch, before, entropy_weight[0, 0], self.settings), online)

    def in_hindsight(self, online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch) -> Hindsight:
        """See `lockstep.algorithms.actor_critic.in_hindsight`."""
        found = None if self.compiled is None else self.compiled.in_hindsight(online, target, batch)
        return in_hindsight(online, target, batch, self.settings) if found is None else found

    def health(self, online: nn.ModuleDict, batch: EpisodeBatch) -> dict[str, float]:
        """See `Page.health`."""
        return insight.health(online, batch, self.settings)

    def thoughts(self, online: nn.ModuleDict, episode: EpisodeBatch) -> Thoughts:
        """See `Page.thoughts`."""
        return insight.thoughts(online, episode, self.settings)

    def suspects(self, online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch) -> dict[str, Suspect]:
        """See `Page.suspects`."""
        return insight.suspects(online, batch, self.settings)


class ActorCriticLearner(GradientLearner):
    """See `Learner`. A round begins with looking back on its episodes: see `prepare`."""

    prepares_rewards = True

    def __init__(self, spec: EnvSpec, config: RunConfig, networks: nn.ModuleDict, page: ActorCriticPage) -> None:
        assert isinstance(config.algorithm, ActorCriticConfig)
        self.algorithm, self.first_lr = config.algorithm, config.optimizer.lr
        copies = Copies(target_tau=config.algorithm.critic_tau)
        super().__init__(spec, config, networks, page, copies, choice="sampled", threads=True)
        if self.device.type == "cuda":
            self.optimizer.param_groups[0]["lr"] = torch.tensor(self.first_lr, device=self.device)  # a recorded step's
        self.settings, self.hindsight = page.settings, page.in_hindsight
        self.studied_steps = 0
        """Env steps of all collections so far."""
        self.collection: dict[str, Tensor] = {}
        """Metrics of the collection that is being studied."""

    @torch.no_grad()
    def prepare(self, episodes: EpisodeBatch) -> EpisodeBatch:
        """The episodes with what is known of them in hindsight; the critic's units and the schedules move on."""
        algorithm, critic = self.algorithm, self.critic
        if self.target is not self.online:
            self.target_weights.lerp_(self.weights, algorithm.critic_tau)
        if self.reward_standardizer is not None:
            episodes = replace(episodes, reward=self.reward_standardizer(episodes.reward))
        assert isinstance(self.workers, GradientThreads)
        played, parts = episodes.num_steps, self.workers.parts(episodes)
        found = self.workers.map(lambda part: self.hindsight(self.online, self.target, part), parts)
        before = Hindsight(*map(torch.cat, zip(*found, strict=True)))
        if algorithm.shared_experience > 0:
            episodes, before = shared_experience(self.online, episodes, before, self.settings)
        filled = episodes.filled
        returns, advantage = before.value_target, before.advantage
        spread, missed = deviation(returns, filled), deviation(advantage, filled)
        self.collection = {
            "advantage_std": missed,
            "explained_variance": 1.0 - (missed / spread.clamp(min=1e-6)).square(),
            "value_mean": mean(returns - advantage, filled),
            "value_target_mean": mean(returns, filled),
            "rewarding_steps": ((episodes.team_reward != 0) & filled).sum().float(),
        }
        value = critic.in_rewards(before.value)
        if algorithm.normalize_values != "off":
            self._move_units(mean(returns, filled), spread)
        if algorithm.normalize_values == "popart":
            before = before._replace(value=(value - critic.mean) / critic.std)
        if algorithm.normalize_advantages:
            advantage = normalized(advantage, filled, algorithm.advantage_floor)
        more = before._replace(value_target=(returns - critic.mean) / critic.std, advantage=advantage)
        weight = self._scheduled(algorithm.entropy_weight, algorithm.entropy_finish)
        self._set_lr(self._scheduled(self.first_lr, algorithm.lr_finish))
        self.studied_steps += played
        weights = torch.full((episodes.num_episodes, 1), weight, device=self.device)
        return replace(episodes, more={**more._asdict(), "entropy_weight": weights})

    @property
    def critic(self) -> Critic:
        return critic_of(self.online)

    def update(self, batch: EpisodeBatch, meanwhile: Callable[[], None] | None = None) -> Metrics:
        """See `Learner.update`."""
        return {**super().update(batch, meanwhile), **self.collection}

    def _move_units(self, average: Tensor, spread: Tensor) -> None:
        """Let the critic count in the deviations of newer returns; by popart, its values stay what they were."""
        critic = self.critic
        old_mean, old_std = critic.mean.clone(), critic.std.clone()
        rate = MOMENTS_RATE if self.studied_steps else 1.0
        second = (old_std.square() + old_mean.square()).lerp(spread.square() + average.square(), rate)
        critic.mean.lerp_(average, rate)
        critic.std.copy_((second - critic.mean.square()).clamp(min=LEAST_STD**2).sqrt())
        if self.algorithm.normalize_values == "popart":
            for layer in critic.last_layers():
                layer.weight.mul_(old_std / critic.std)
                layer.bias.copy_((layer.bias * old_std + old_mean - critic.mean) / critic.std)

    def _scheduled(self, start: float, finish: float | None) -> float:
        """Where a setting stands now, on its way from `start` to `finish`."""
        end = start if finish is None else finish
        return schedule("linear", start, end, self.algorithm.anneal_env_steps, self.studied_steps)

    def _set_lr(self, lr: float) -> None:
        group = self.optimizer.param_groups[0]
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr

    def _follow(self) -> None:
        """The slow critic follows once a round, not after every update; see `prepare`."""

    def state_dict(self) -> dict[str, Any]:
        """See `Learner.state_dict`."""
        return {**super().state_dict(), "studied_steps": self.studied_steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Learner.load_state_dict`."""
        super().load_state_dict(state)
        self.studied_steps = int(state["studied_steps"])


def actor_critic_networks(spec: EnvSpec, config: RunConfig) -> nn.ModuleDict:
    """Policies and critic, freshly initialized from torch's global generator."""
    assert isinstance(config.algorithm, ActorCriticConfig)
    network = config.network
    if config.algorithm.shared_experience > 0 and (network.sharing != "none" or network.agent_id):
        raise UserError(
            "algorithm.shared_experience needs network.sharing=none and network.agent_id=false: every agent's network "
            "looks at what the others saw as if it had been there. Set them, or shared_experience=0."
        )
    agent = build_agent(spec, network)
    return nn.ModuleDict({"agent": agent, "critic": build_critic(spec, network, config.algorithm, agent)})


def actor_critic_page(spec: EnvSpec, config: RunConfig) -> ActorCriticPage:
    """The page alone."""
    assert isinstance(config.algorithm, ActorCriticConfig)
    return ActorCriticPage(ActorCriticSettings(spec, config.network, config.algorithm))


def actor_critic_learner(spec: EnvSpec, config: RunConfig, networks: nn.ModuleDict) -> ActorCriticLearner:
    """The configured learner around freshly initialized networks, with what is fastest here."""
    page = actor_critic_page(spec, config)
    if supports(config):
        page = replace(page, compiled=CompiledActorCritic(page.settings))
    return ActorCriticLearner(spec, config, networks, page)
