"""What policies and critics have to say to people: how they fare, what they were about to do, what went wrong."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from lockstep.algorithms.actor_critic import (
    ActorCriticSettings,
    agents_see,
    critic_of,
    log_policy,
    mean,
    returns_from,
    values,
)
from lockstep.algorithms.hidden_layers import unit_health, watched
from lockstep.algorithms.learner import Suspect, Thoughts
from lockstep.algorithms.returns import discounted_return
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.agents import AgentNetwork


@torch.no_grad()
def health(online: nn.ModuleDict, batch: EpisodeBatch, settings: ActorCriticSettings) -> dict[str, float]:
    """Dead and stuck units, how sure the team is of what it does, and whether what is promised is earned."""
    agent: AgentNetwork = online["agent"]  # type: ignore[assignment]
    with watched(agent) as seen:
        log_chances = log_policy(online, agents_see(batch, settings), batch.available)[:, :-1]
    sureness = mean(log_chances.exp().amax(-1), batch.filled)
    return {**unit_health(seen), "test_greedy_chance_mean": sureness.item()} | _promises(online, batch, settings)


@torch.no_grad()
def thoughts(online: nn.ModuleDict, episode: EpisodeBatch, settings: ActorCriticSettings) -> Thoughts:
    """Every action's chance and, where a critic is known, what it expects of the team and how much better it went.

    In rewards. Where these are standardized, they cannot be compared with what the episode earned.
    """
    seen = agents_see(episode, settings)
    chances = log_policy(online, seen, episode.available)[0, :-1].exp().cpu()
    if "critic" not in online:
        return Thoughts(chances, thinks_in="chances")
    critic = critic_of(online)
    expected = _of_the_team(critic.in_rewards(values(critic, seen, episode, settings)), settings)  # (1, T+1)
    advantage = None
    if not settings.algorithm.standardize_rewards:
        together = replace(episode, reward=episode.team_reward)
        earned = returns_from(expected.unsqueeze(-1), together, settings)[..., 0]  # (1, T)
        advantage = (earned - expected[:, :-1])[0].cpu()
    return Thoughts(chances, None, expected[0, :-1].cpu(), "chances", advantage)


@torch.no_grad()
def suspects(online: nn.ModuleDict, batch: EpisodeBatch, settings: ActorCriticSettings) -> dict[str, Suspect]:
    """Log chances and values, of the steps that happened."""
    happened, seen = batch.filled.squeeze(-1), agents_see(batch, settings)
    log_chances = log_policy(online, seen, batch.available)[:, :-1][happened]
    expected = values(critic_of(online), seen, batch, settings)[:, :-1][happened]
    return {
        "log chances": Suspect(log_chances, "the policy's outputs had grown beyond all numbers; look at policy_kl"),
        "values": Suspect(expected, "the critic's values had grown beyond all numbers; look at value_loss"),
    }


def _of_the_team(expected: Tensor, settings: ActorCriticSettings) -> Tensor:
    """(..., G) -> (...): what the whole team may expect."""
    return expected.sum(-1) if settings.algorithm.reward == "own" else expected.mean(-1)


def _promises(online: nn.ModuleDict, batch: EpisodeBatch, settings: ActorCriticSettings) -> dict[str, float]:
    """What the team believes to be worth at the start, and what it then earned, discounted; both in rewards of the
    learner, for the whole team. An episode that was cut counts the believed value of its last state, as returns do."""
    critic, algorithm = critic_of(online), settings.algorithm
    expected = critic.in_rewards(values(critic, agents_see(batch, settings), batch, settings))
    believed = _of_the_team(expected, settings)  # (B, T+1)
    ends = batch.terminated if algorithm.bootstrap_time_limit else batch.terminated | batch.truncated
    earned = discounted_return(batch.team_reward, batch.filled, ends, believed, algorithm.gamma)
    return {
        "test_value_start_mean": believed[:, 0].mean().item(),
        "test_discounted_return_mean": earned.mean().item(),
    }
