"""Actor-critic for teams. IPPO, MAPPO, IA2C and MAA2C are this page and their settings.

Every agent draws its actions from a policy, and a critic says what could be expected where it stood: by what the agent
sees (IPPO, IA2C), or by the state of all (MAPPO, MAA2C; Yu et al. 2022). Actions after which more came than expected
become more likely: a little once (A2C; Mnih et al. 2016), or in several steps over the same episodes, as long as the
policy stays near the one that played them (PPO; Schulman et al. 2017). Afterwards the episodes are forgotten.

B episodes, T steps, N agents, A actions; G values: one for the team, or one an agent.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lockstep.algorithms.learner import Metrics
from lockstep.algorithms.q_learning import take
from lockstep.algorithms.returns import n_step, td_lambda
from lockstep.config.schema import NetworkConfig
from lockstep.config.schema.actor_critic import ActorCriticConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.critics import Critic
from lockstep.networks.inputs import agent_inputs, previous_actions
from lockstep.spec import EnvSpec

NEVER = -1e9
"""The logarithm of no chance, as a number that 0 can be multiplied with."""


class ActorCriticSettings(NamedTuple):
    """What the page needs to know besides networks and episodes."""

    spec: EnvSpec
    network: NetworkConfig
    algorithm: ActorCriticConfig


class Hindsight(NamedTuple):
    """What is known of a collection before the first step is taken on it; it stays the same until it is forgotten."""

    log_chance: Tensor
    """(B, T, N): of the actions taken, by the policy that took them."""
    value: Tensor
    """(B, T, G): what the critic expected, in its units."""
    value_target: Tensor
    """(B, T, G): what it should have expected, in its units."""
    advantage: Tensor
    """(B, T, G): how much better it went than was expected, normalized."""
    importance: Tensor
    """(B, T, N): how much a step counts; 1, but for what others experienced (see `shared_experience`)."""


def loss(
    online: nn.ModuleDict, batch: EpisodeBatch, before: Hindsight, entropy_weight: Tensor, settings: ActorCriticSettings
) -> tuple[Tensor, Metrics]:
    """The policy's loss, the critic's, and the bonus for staying undecided: means over steps that happened, and agents.

    entropy_weight: 0-dim
    """
    algorithm, critic = settings.algorithm, critic_of(online)
    seen = agents_see(batch, settings)
    log_chances = log_policy(online, seen, batch.available)[:, :-1]  # (B, T, N, A)
    log_chance = take(log_chances, batch.actions)  # (B, T, N)
    value = values(critic, seen, batch, settings)[:, :-1]  # (B, T, G)
    advantage = before.advantage
    if algorithm.renew_advantages:
        advantage = advantage + (before.value - value.detach()) * critic.std

    log_ratio = log_chance - before.log_chance
    ratio = log_ratio.exp()
    if algorithm.clip > 0:
        near = ratio.clamp(1.0 - algorithm.clip, 1.0 + algorithm.clip)
        gain = torch.minimum(ratio * advantage, near * advantage)
    else:
        gain = log_chance * advantage
    error = (value - before.value_target).square()
    if algorithm.value_clip > 0:
        slow = before.value + (value - before.value).clamp(-algorithm.value_clip, algorithm.value_clip)
        error = torch.maximum(error, (slow - before.value_target).square())
    entropy = -(log_chances.exp() * log_chances).sum(-1)  # (B, T, N)
    gain, error, entropy = (one * before.importance for one in (gain, error, entropy))

    policy_loss, value_loss, policy_entropy = (
        -mean(gain, batch.filled), mean(error, batch.filled), mean(entropy, batch.filled),
    )  # fmt: skip
    total = policy_loss + algorithm.value_weight * value_loss - entropy_weight * policy_entropy
    metrics = {
        "policy_loss": policy_loss.detach(),
        "value_loss": value_loss.detach(),
        "policy_entropy": policy_entropy.detach(),
        "policy_kl": mean(ratio.detach() - 1.0 - log_ratio.detach(), batch.filled),
        "clipped_share": mean(((ratio.detach() - 1.0).abs() > max(algorithm.clip, 1e-6)).float(), batch.filled),
    }
    return total, metrics


@torch.no_grad()
def in_hindsight(
    online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch, settings: ActorCriticSettings
) -> Hindsight:
    """What a collection is worth to the networks as they are now; advantages, and the critic's targets, in rewards.

    target: holds the slow critic, or is online itself where there is none
    """
    seen, critic = agents_see(batch, settings), critic_of(online)
    log_chances = log_policy(online, seen, batch.available)[:, :-1]
    log_chance = take(log_chances, batch.actions)
    value = values(critic, seen, batch, settings)
    slow = value if target is online else values(critic_of(target), seen, batch, settings)
    expected = critic.in_rewards(value[:, :-1])
    returns = returns_from(critic.in_rewards(slow), batch, settings)
    return Hindsight(log_chance, value[:, :-1], returns, returns - expected, torch.ones_like(log_chance))


@torch.no_grad()
def shared_experience(
    online: nn.ModuleDict, batch: EpisodeBatch, before: Hindsight, settings: ActorCriticSettings
) -> tuple[EpisodeBatch, Hindsight]:
    """What everybody saw, and what all others saw as if everybody had seen that (Christianos et al. 2020).

    In the k-th copy, agent i stands where agent i + k stood: its own policy and critic look at that. Such a step counts
    as much more or less as agent i would have done the same more or less often, times the weight of the setting. For
    agents that share neither parameters nor numbers, with critics of their own.
    """
    weight, agents = settings.algorithm.shared_experience, settings.spec.num_agents
    batches, known = [batch.fields()], [before]
    for shift in range(1, agents):
        batches.append({name: _as_others(value, name, shift, agents) for name, value in batch.fields().items()})
        found = in_hindsight(online, online, EpisodeBatch.of(batches[-1]), settings)
        importance = (found.log_chance - before.log_chance.roll(-shift, -1)).exp()
        known.append(found._replace(importance=weight * importance))
    joined = EpisodeBatch.of({name: torch.cat([fields[name] for fields in batches]) for name in batches[0]})
    return joined, Hindsight(*map(torch.cat, zip(*known, strict=True)))


def _as_others(value: Tensor, name: str, shift: int, agents: int) -> Tensor:
    """A field of an episode in which every agent stands where the agent `shift` after it stood."""
    by_agent = name in ("obs", "actions", "available") or (name == "reward" and value.shape[2] == agents)
    return value.roll(-shift, 2) if by_agent else value


def returns_from(value: Tensor, batch: EpisodeBatch, settings: ActorCriticSettings) -> Tensor:
    """(B, T, G): what was earned from each step on, as far as it was seen, then what was expected there.

    value: (B, T+1, G), in rewards. Without its last part, generalized advantage estimation (Schulman et al. 2016) is
    Peng's return minus the value. An episode that a time limit cut goes on in the value of its last state.
    """
    algorithm, reward = settings.algorithm, batch.team_reward if settings.algorithm.reward == "team" else batch.reward
    last = batch.terminated | batch.truncated
    ended = batch.terminated if algorithm.bootstrap_time_limit else last
    last = last.clone()
    last[:, -1] = True
    if algorithm.return_steps:
        return n_step(reward, value[:, 1:], ended, last, algorithm.gamma, algorithm.return_steps)
    return td_lambda(reward, value[:, 1:], ended, last, algorithm.gamma, algorithm.gae_lambda)


def normalized(advantage: Tensor, filled: Tensor, floor: float) -> Tensor:
    """Advantages with mean 0 and deviation 1 over the steps that happened; those without news, smaller."""
    return (advantage - mean(advantage, filled)) / deviation(advantage, filled).clamp(min=max(floor, 1e-8))


def agents_see(batch: EpisodeBatch, settings: ActorCriticSettings) -> Tensor:
    """(B, T+1, N, I): the inputs of the agents' networks along the episodes."""
    last_actions = previous_actions(batch.actions) if settings.network.last_action else None
    return agent_inputs(batch.obs, last_actions, settings.spec, settings.network)


def log_policy(networks: nn.ModuleDict, seen: Tensor, available: Tensor | None) -> Tensor:
    """(B, T+1, N, A): the logarithm of every action's chance; `NEVER` where it is not allowed."""
    logits: Tensor = networks["agent"](seen)[0]
    if available is not None:
        logits = logits.masked_fill(~available, NEVER)
    return logits.log_softmax(-1).clamp(min=NEVER)


def critic_of(networks: nn.ModuleDict) -> Critic:
    """The critic among them."""
    critic = networks["critic"]
    assert isinstance(critic, Critic)
    return critic


def values(critic: Critic, seen: Tensor, batch: EpisodeBatch, settings: ActorCriticSettings) -> Tensor:
    """(B, T+1, G): what the critic expects, in its units."""
    found: Tensor = critic(batch.state if settings.algorithm.critic == "central" else seen)
    return found


def mean(x: Tensor, filled: Tensor) -> Tensor:
    """The mean over the steps that happened and all that x (B, T, K) has of each; 0-dim."""
    return (x * filled).sum() / (filled.sum() * x.shape[-1])


def deviation(x: Tensor, filled: Tensor) -> Tensor:
    """The standard deviation over the same; 0-dim."""
    return mean((x - mean(x, filled)).square(), filled).sqrt()
