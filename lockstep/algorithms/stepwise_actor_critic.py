"""The straightforward reading of PPO and A2C for teams, one step of time after another.

The naive twin of the page: the tests hold the page to its numbers and gradients, and `lockstep bench learner` times the
page against it.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lockstep.algorithms.actor_critic import ActorCriticSettings, Hindsight, critic_of, in_hindsight, normalized
from lockstep.algorithms.actor_critic import loss as page_loss
from lockstep.algorithms.actor_critic_learner import actor_critic_networks
from lockstep.algorithms.stepwise import Work, unroll
from lockstep.config.schema import RunConfig
from lockstep.config.schema.actor_critic import ActorCriticConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.spec import EnvSpec


def stepwise_loss(
    online: nn.ModuleDict, batch: EpisodeBatch, before: Hindsight, entropy_weight: Tensor, settings: ActorCriticSettings
) -> Tensor:
    """The loss of `actor_critic.loss`, worked out step by step."""
    algorithm, agents = settings.algorithm, settings.spec.num_agents
    logits, values = unroll(online["agent"], batch, settings.spec, settings.network), _judged(online, batch, settings)
    critic = critic_of(online)
    zero = batch.obs.new_zeros(())
    gained, undecided, missed, steps = zero, zero, zero, zero
    for t in range(batch.actions.shape[1]):
        happened = batch.filled[:, t].to(zero.dtype)  # (B, 1)
        steps = steps + happened.sum()
        chances = torch.softmax(_allowed(logits[t], batch, t), -1)  # (B, N, A)
        log_chance = torch.log(chances.gather(-1, batch.actions[:, t].unsqueeze(-1)).squeeze(-1))
        advantage = before.advantage[:, t]  # (B, G)
        if algorithm.renew_advantages:
            advantage = advantage + (before.value[:, t] - values[t].detach()) * critic.std
        if algorithm.clip > 0:
            ratio = torch.exp(log_chance - before.log_chance[:, t])
            near = torch.clamp(ratio, 1 - algorithm.clip, 1 + algorithm.clip)
            gain = torch.min(ratio * advantage, near * advantage)
        else:
            gain = log_chance * advantage
        error = (values[t] - before.value_target[:, t]) ** 2
        if algorithm.value_clip > 0:
            moved = torch.clamp(values[t] - before.value[:, t], -algorithm.value_clip, algorithm.value_clip)
            error = torch.max(error, (before.value[:, t] + moved - before.value_target[:, t]) ** 2)
        gained = gained + (gain * happened).sum()
        undecided = undecided - ((chances * torch.log(chances + (chances == 0))).sum(-1) * happened).sum()
        missed = missed + (error * happened).sum() / error.shape[-1]
    policy_loss = -(gained + entropy_weight * undecided) / (steps * agents)
    return policy_loss + algorithm.value_weight * missed / steps


@torch.no_grad()
def stepwise_hindsight(online: nn.ModuleDict, batch: EpisodeBatch, settings: ActorCriticSettings) -> Hindsight:
    """What `actor_critic.in_hindsight` says, from the last step of every episode backwards.

    Advantages are written as by Schulman et al. 2016: the temporal differences that follow, each worth gamma * lambda
    of the one before. For critics without a slow copy, and return_steps = 0.
    """
    algorithm, steps = settings.algorithm, batch.actions.shape[1]
    logits, units = unroll(online["agent"], batch, settings.spec, settings.network), _judged(online, batch, settings)
    critic = critic_of(online)
    value = [one * critic.std + critic.mean for one in units]
    reward = batch.reward if algorithm.reward == "own" else batch.team_reward
    later = torch.zeros_like(value[0])
    advantages, log_chances = list[Tensor](), list[Tensor]()
    for t in reversed(range(steps)):
        over = batch.terminated[:, t] if algorithm.bootstrap_time_limit else (batch.terminated | batch.truncated)[:, t]
        cut = (batch.terminated | batch.truncated)[:, t]
        if t == steps - 1:
            cut = torch.ones_like(cut)
        difference = reward[:, t] + algorithm.gamma * (~over).to(later.dtype) * value[t + 1] - value[t]
        later = difference + algorithm.gamma * algorithm.gae_lambda * (~cut).to(later.dtype) * later
        advantages.insert(0, later)
        chosen = torch.log_softmax(_allowed(logits[t], batch, t), -1).gather(-1, batch.actions[:, t].unsqueeze(-1))
        log_chances.insert(0, chosen.squeeze(-1))
    advantage, before = torch.stack(advantages, 1), torch.stack(units[:-1], 1)
    log_chance, returns = torch.stack(log_chances, 1), advantage + torch.stack(value[:-1], 1)
    return Hindsight(log_chance, before, returns, advantage, torch.ones_like(log_chance))


def both_ways(spec: EnvSpec, config: RunConfig, device: str) -> tuple[Work, Work]:
    """What works out the gradient of fresh networks on a batch: the page, and this module."""
    assert isinstance(config.algorithm, ActorCriticConfig)
    networks = actor_critic_networks(spec, config).to(device)
    settings = ActorCriticSettings(spec, config.network, config.algorithm)
    weight = torch.tensor(config.algorithm.entropy_weight, device=device)
    parameters = list(networks.parameters())

    def by(loss: Callable[..., Tensor]) -> Work:
        def work(batch: EpisodeBatch) -> object:
            before = in_hindsight(networks, networks, batch, settings)
            advantage = normalized(before.advantage, batch.filled, settings.algorithm.advantage_floor)
            value = loss(networks, batch, before._replace(advantage=advantage), weight, settings)
            return torch.autograd.grad(value, parameters)

        return work

    return by(lambda *arguments: page_loss(*arguments)[0]), by(stepwise_loss)


def _judged(online: nn.ModuleDict, batch: EpisodeBatch, settings: ActorCriticSettings) -> list[Tensor]:
    """T + 1 tensors (B, G): what a critic with a network of its own expects, in its units, step by step."""
    critic, agents, algorithm = online["critic"], settings.spec.num_agents, settings.algorithm
    if algorithm.critic == "own":
        return [one.squeeze(-1) for one in unroll(critic.network, batch, settings.spec, settings.network)]
    memory, values = None, []
    for t in range(batch.obs.shape[1]):
        seen = batch.state[:, t].view(batch.num_episodes, 1, 1, -1)
        if algorithm.critic_agent_id:
            who = torch.eye(agents, dtype=seen.dtype, device=seen.device).expand(batch.num_episodes, 1, -1, -1)
            seen = torch.cat([seen.expand(-1, -1, agents, -1), who], -1)
        value, memory = critic.network(seen, memory)  # type: ignore[operator]
        values.append(value.flatten(1))
    return values


def _allowed(logits: Tensor, batch: EpisodeBatch, t: int) -> Tensor:
    """logits (B, N, A), with no chance for what is not allowed at step t."""
    if batch.available is None:
        return logits
    return torch.where(batch.available[:, t], logits, torch.full_like(logits, -1e9))
