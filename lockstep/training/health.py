"""A look inside the networks, on episodes that were played anyway: nothing is trained, no random number is drawn."""

import torch
from torch import Tensor, nn

from lockstep.algorithms.q_learning import QLearner
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.inputs import agent_inputs, previous_actions
from lockstep.networks.mixers import MixingInputs

PROBED_EPISODES = 32
SATURATED = 0.99
"""Size from which a GRU's value (between -1 and 1) counts as stuck."""


def probe(learner: QLearner, episodes: EpisodeBatch) -> dict[str, float]:
    """Health of a learner's networks on the first of `episodes`, by the names of `lockstep.runs.metrics`."""
    batch = episodes.select(torch.arange(min(PROBED_EPISODES, episodes.num_episodes))).to(learner.device)
    hidden: dict[str, Tensor] = {}
    agent = learner.online["agent"]
    hooks = [
        part.register_forward_hook(lambda _, __, out, name=name: hidden.__setitem__(name, out))
        for name, part in agent.named_children()
        if name != "values"
    ]
    try:
        with torch.no_grad():
            last_actions = previous_actions(batch.actions) if learner.network.last_action else None
            q = agent(agent_inputs(batch.obs, last_actions, learner.spec, learner.network))[0]  # (B, T+1, N, A)
    finally:
        for hook in hooks:
            hook.remove()
    row = _hidden_layers(hidden)
    if q.shape[2] > 1 and learner.algorithm.name != "iql":
        row["mixer_share_min"] = _least_share(learner, batch, q)
    return row | _values(learner, batch, q)


def _hidden_layers(hidden: dict[str, Tensor]) -> dict[str, float]:
    """Of units before a ReLU: those that are silent on every input. Of a GRU's: those that are stuck at -1 or 1."""
    row = {}
    rectified = [out.flatten(0, -2) for name, out in hidden.items() if name != "gru"]
    silent = torch.cat([(out <= 0).all(0) for out in rectified])
    row["dead_units_share"] = silent.double().mean().item()
    if "gru" in hidden:
        memory = hidden["gru"][0]
        row["saturated_memory_share"] = (memory.abs() > SATURATED).double().mean().item()
    return row


def _least_share(learner: QLearner, batch: EpisodeBatch, q: Tensor) -> float:
    """How much the team's value listens to the agent it listens to least: its share of the sum of dQ_tot/dQ_i."""
    chosen = q[:, :-1].gather(-1, batch.actions.unsqueeze(-1)).squeeze(-1).requires_grad_()
    (slopes,) = torch.autograd.grad(_mixed(learner, batch, chosen, q[:, :-1]).sum(), chosen)  # (B, T, N)
    by_agent = (slopes.abs() * batch.filled).sum((0, 1))
    return float((by_agent.min() / by_agent.sum().clamp_min(1e-12)).item())


@torch.no_grad()
def _values(learner: QLearner, batch: EpisodeBatch, q: Tensor) -> dict[str, float]:
    """What the team believes to be worth at the start, and what it then earned, discounted: both in the learner's own
    units, per agent. An episode that was cut counts the believed value of its last state where targets do, too."""
    gamma = learner.algorithm.gamma
    values = _mixed(learner, batch, q.amax(-1), q, state=batch.state).sum(-1, keepdim=True)  # (B, T+1, 1)
    if learner.algorithm.name == "iql":  # every agent believes in the whole team's reward
        values = values / q.shape[2]
    reward = batch.team_reward
    standardizer = learner.reward_standardizer
    if standardizer is not None:
        reward = (reward - standardizer.mean) / max(standardizer.variance, 1e-12) ** 0.5
    ends = batch.terminated if learner.algorithm.bootstrap_time_limit else batch.terminated | batch.truncated
    lengths = batch.lengths()
    steps = torch.arange(reward.shape[1], device=reward.device).view(1, -1, 1)
    earned = (reward * gamma**steps * batch.filled).sum((1, 2))
    rows = torch.arange(len(lengths), device=lengths.device)
    beyond = values[rows, lengths, 0] * gamma**lengths * ~ends.any(1)[:, 0]
    agents = learner.spec.num_agents
    return {
        "test_q_start_mean": (values[:, 0].mean() / agents).item(),
        "test_discounted_return_mean": ((earned + beyond).mean() / agents).item(),
    }


def _mixed(learner: QLearner, batch: EpisodeBatch, chosen: Tensor, q: Tensor, state: Tensor | None = None) -> Tensor:
    """(B, T, N) utilities of chosen actions -> (B, T, G)."""
    mixer: nn.Module = learner.online["mixer"]
    where = batch.state[:, : chosen.shape[1]] if state is None else state
    mixed: Tensor = mixer(chosen, MixingInputs(where, batch.actions, q.amax(-1)))
    return mixed
