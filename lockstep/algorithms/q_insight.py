"""What Q-learning's networks have to say to people: how they fare, what the team expects, what went wrong."""

import torch
from torch import Tensor, nn

from lockstep.algorithms.hidden_layers import unit_health, watched
from lockstep.algorithms.learner import Suspect, Thoughts
from lockstep.algorithms.q_learning import Settings, best_values, mask_unavailable, take, values
from lockstep.algorithms.returns import discounted_return, unscaled
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.agents import AgentNetwork
from lockstep.networks.mixers import MixingInputs, NoMixer


def health(online: nn.ModuleDict, batch: EpisodeBatch, settings: Settings) -> dict[str, float]:
    """Dead and stuck units, whom the mixer ignores, and whether what is promised is earned. See `Page.health`."""
    agent: AgentNetwork = online["agent"]  # type: ignore[assignment]
    with watched(agent) as seen, torch.no_grad():
        q = values(online, batch, settings)  # (B, T+1, N, A)
    row = unit_health(seen)
    if settings.spec.num_agents > 1 and not isinstance(online["mixer"], NoMixer):
        row["mixer_share_min"] = _least_share(online["mixer"], batch, q)
    return row | _promises(online["mixer"], batch, q, settings)


def thoughts(online: nn.ModuleDict, episode: EpisodeBatch, settings: Settings) -> Thoughts:
    """Utilities and, where a mixer is known, the team's value and its slopes dQ_tot/dQ_i at the chosen actions."""
    with torch.no_grad():
        q = values(online, episode, settings)[:, :-1]  # (1, T, N, A)
    if "mixer" not in online or isinstance(online["mixer"], NoMixer):
        return Thoughts(q[0].cpu())
    available = None if episode.available is None else episode.available[:, :-1]
    inputs = MixingInputs(episode.state[:, :-1], episode.actions, best_values(q, available))
    taken = take(q, episode.actions).requires_grad_()
    with torch.enable_grad():
        q_tot = online["mixer"](taken, inputs)
        (slopes,) = torch.autograd.grad(q_tot.sum(), taken)
    team_value = _in_rewards(q_tot.detach(), settings).sum(-1)
    return Thoughts(q[0].cpu(), slopes[0].cpu(), team_value[0].cpu())


@torch.no_grad()
def suspects(
    online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch, settings: Settings
) -> dict[str, Suspect]:
    """The utilities of both networks, before and after every step that happened."""
    happened = batch.filled.squeeze(-1)
    grown = "values had grown beyond all numbers; look at"
    now, then = (values(networks, batch, settings) for networks in (online, target))

    def seen(q: Tensor) -> Tensor:
        return torch.cat([q[:, :-1][happened], q[:, 1:][happened]])

    return {
        "Q": Suspect(seen(now), f"the {grown} q_taken_mean in metrics.jsonl"),
        "target Q": Suspect(seen(then), f"the target's {grown} target_mean in metrics.jsonl"),
    }


def _in_rewards(q_tot: Tensor, settings: Settings) -> Tensor:
    """The values of teams, (..., G), in the units of their rewards."""
    return unscaled(q_tot) if settings.algorithm.rescale_values else q_tot


def _least_share(mixer: nn.Module, batch: EpisodeBatch, q: Tensor) -> float:
    """How much the team's value listens to the agent it listens to least: its share of the sum of dQ_tot/dQ_i."""
    chosen = take(q[:, :-1], batch.actions).requires_grad_()
    now = MixingInputs(batch.state[:, :-1], batch.actions, best_values(q, batch.available)[:, :-1])
    (slopes,) = torch.autograd.grad(mixer(chosen, now).sum(), chosen)  # (B, T, N)
    by_agent = (slopes.abs() * batch.filled).sum((0, 1))
    return float((by_agent.min() / by_agent.sum().clamp_min(1e-12)).item())


@torch.no_grad()
def _promises(mixer: nn.Module, batch: EpisodeBatch, q: Tensor, settings: Settings) -> dict[str, float]:
    """What the team believes to be worth at the start, and what it then earned, discounted: both in the learner's own
    units, per agent. An episode that was cut counts the believed value of its last state where targets do, too."""
    gamma, agents = settings.algorithm.gamma, settings.spec.num_agents
    best = best_values(q, batch.available)
    greedy = MixingInputs(batch.state, mask_unavailable(q, batch.available).argmax(-1), best)
    believed = _in_rewards(mixer(best, greedy), settings).sum(-1, keepdim=True)  # (B, T+1, 1)
    if isinstance(mixer, NoMixer):  # every agent believes in the whole team's reward
        believed = believed / agents
    ends = batch.terminated if settings.algorithm.bootstrap_time_limit else batch.terminated | batch.truncated
    earned = discounted_return(batch.team_reward, batch.filled, ends, believed[..., 0], gamma)
    return {
        "test_q_start_mean": (believed[:, 0].mean() / agents).item(),
        "test_discounted_return_mean": (earned.mean() / agents).item(),
    }
