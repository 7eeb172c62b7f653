"""Q-learning for teams. IQL, VDN and QMIX are this page and a mixer.

Every agent i has a utility Q_i(observations, action) from one shared network. A mixer turns the utilities of the chosen
actions into the team's value Q_tot (Rashid et al. 2018). Both are trained end to end towards targets made by slow
copies of themselves (Mnih et al. 2015), the next actions being chosen by the online network (van Hasselt et al. 2016).

B episodes, T steps, N agents, A actions; G = 1 team value, or N independent ones (IQL).
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lockstep.algorithms.fast.shares import GradientWorkers, Metrics
from lockstep.algorithms.returns import n_step, td_lambda
from lockstep.algorithms.reward_standardizer import RewardStandardizer
from lockstep.config.schema import RunConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.agents import build_agent
from lockstep.networks.flat import flatten, named_parameters, num_parameters
from lockstep.networks.inputs import agent_inputs, previous_actions
from lockstep.networks.mixers import MixingInputs
from lockstep.spec import EnvSpec


class DivergedError(Exception):
    """The loss or its gradient is not finite. Nothing was changed: the parameters are those before the update."""

    def __init__(self, message: str, batch: EpisodeBatch) -> None:
        super().__init__(message)
        self.batch = batch


class QLearner:
    """Agents, mixer, their target copies and the optimizer. `update` is one gradient step."""

    def __init__(self, spec: EnvSpec, config: RunConfig, mixer: nn.Module) -> None:
        self.spec, self.network, self.algorithm = spec, config.network, config.algorithm
        self.grad_norm_clip = config.optimizer.grad_norm_clip
        self.device = torch.device(config.training.device)
        self.agent = build_agent(spec, config.network)
        self.online = nn.ModuleDict({"agent": self.agent, "mixer": mixer}).to(self.device)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.actor = copy.deepcopy(self.agent).requires_grad_(False) if self.algorithm.actor_tau > 0 else self.agent
        self.parameters = list(self.online.parameters())
        # From here on the parameters are views of three vectors, which move as a whole.
        self.shares = GradientWorkers(spec, config, num_parameters(self.online))
        self.weights = flatten(self.online, self.shares.online)
        self.target_weights = flatten(self.target, self.shares.target)
        self.actor_weights = self.weights[: num_parameters(self.agent)]
        if self.actor is not self.agent:
            self.actor_weights = flatten(self.actor, self.actor_weights.clone())
        self.optimizer = torch.optim.Adam(
            [self.weights],
            lr=config.optimizer.lr,
            eps=config.optimizer.eps,
            fused=True,
            capturable=self.device.type == "cuda",
        )
        self.reward_standardizer = RewardStandardizer(self.device) if config.algorithm.standardize_rewards else None
        self.updates = 0

    def update(self, batch: EpisodeBatch, meanwhile: Callable[[], None] | None = None) -> Metrics:
        """One gradient step on whole episodes. Returns the metrics of this batch as 0-dim tensors.

        `meanwhile` is called once before the step, while other processes may still be at work on the gradient.
        Raises DivergedError, with nothing changed, when the loss or its gradient is not finite.
        """
        drawn, moments = batch, None
        if self.reward_standardizer is not None:
            moments = self.reward_standardizer.state_dict()
            batch = replace(batch, reward=self.reward_standardizer(batch.team_reward))
        loss, metrics, self.weights.grad = self.shares.gradient(self.gradient, batch, meanwhile)
        grad_norm = nn.utils.clip_grad_norm_(self.weights, self.grad_norm_clip)
        if not torch.isfinite(grad_norm + loss):
            if self.reward_standardizer is not None and moments is not None:
                self.reward_standardizer.load_state_dict(moments)
            said = f"gradient norm {grad_norm.item()} and loss {loss.item()} at update {self.updates}"
            raise DivergedError(said, drawn)
        self.optimizer.step()
        self.updates += 1
        self._follow()
        return {**metrics, "loss": loss, "grad_norm": grad_norm.detach()}

    def check(self) -> None:
        """Raise DivergedError where an update left unsaid that its gradient was not finite; here none does."""

    def gradient(self, batch: EpisodeBatch) -> tuple[Tensor, Metrics, Tensor]:
        """The loss, its metrics, and its gradient by all parameters as one vector."""
        loss, metrics = self.loss(batch)
        gradients = torch.autograd.grad(loss, self.parameters)
        return loss.detach(), metrics, torch.cat([gradient.reshape(-1) for gradient in gradients])

    def loss(self, batch: EpisodeBatch) -> tuple[Tensor, Metrics]:
        """Mean squared difference of Q_tot and its target over the steps that happened."""
        filled = batch.filled.to(batch.reward.dtype)
        q = self.values(self.online, batch)  # (B, T+1, N, A)
        q_taken = self.mix(self.online, take(q[:, :-1], batch.actions), q[:, :-1], batch, now=True)  # (B, T, G)
        target = self.targets(batch, q.detach())
        td_error = (q_taken - target) * filled
        groups = filled.sum() * td_error.shape[-1]
        per_agent = filled.sum() * self.spec.num_agents
        metrics = {
            "td_error_abs": td_error.detach().abs().sum() / groups,
            "q_taken_mean": (q_taken.detach() * filled).sum() / per_agent,
            "target_mean": (target * filled).sum() / per_agent,
        }
        return td_error.square().sum() / groups, metrics

    @torch.no_grad()
    def targets(self, batch: EpisodeBatch, q_online: Tensor) -> Tensor:
        """(B, T, G): what Q_tot should have been, in hindsight."""
        q_target = self.values(self.target, batch)  # (B, T+1, N, A)
        chooser = q_online if self.algorithm.double_q else q_target
        greedy = mask_unavailable(chooser, batch.available).argmax(-1)  # (B, T+1, N)
        next_value = self.mix(self.target, take(q_target, greedy)[:, 1:], q_target[:, 1:], batch, now=False)

        ended = batch.terminated if self.algorithm.bootstrap_time_limit else batch.terminated | batch.truncated
        last = batch.terminated | batch.truncated
        last[:, -1] = True
        if self.algorithm.n_step > 1:
            return n_step(batch.team_reward, next_value, ended, last, self.algorithm.gamma, self.algorithm.n_step)
        return td_lambda(batch.team_reward, next_value, ended, last, self.algorithm.gamma, self.algorithm.td_lambda)

    def values(self, networks: nn.ModuleDict, batch: EpisodeBatch) -> Tensor:
        """(B, T+1, N, A): every agent's utilities along the episodes."""
        last_actions = previous_actions(batch.actions) if self.network.last_action else None
        q: Tensor = networks["agent"](agent_inputs(batch.obs, last_actions, self.spec, self.network))[0]
        return q

    def mix(self, networks: nn.ModuleDict, chosen: Tensor, q: Tensor, batch: EpisodeBatch, *, now: bool) -> Tensor:
        """(B, T, N) utilities of chosen actions -> (B, T, G), in the states of steps 0..T-1 (now) or 1..T."""
        steps = slice(None, -1) if now else slice(1, None)
        mixed: Tensor = networks["mixer"](chosen, MixingInputs(batch.state[:, steps], batch.actions, q.amax(-1)))
        return mixed

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the target networks, a little after every update or all the way now and then, and the acting average."""
        if self.algorithm.target_tau > 0:
            self.target_weights.lerp_(self.weights, self.algorithm.target_tau)
        elif self.updates % self.algorithm.target_sync_updates == 0:
            self.target_weights.copy_(self.weights)
        if self.actor is not self.agent:
            self.actor_weights.lerp_(self.weights[: len(self.actor_weights)], self.algorithm.actor_tau)

    def state_dict(self) -> dict[str, Any]:
        """Everything `update` depends on."""
        standardizer = self.reward_standardizer
        return {
            "online": named_parameters(self.online),
            "target": named_parameters(self.target),
            "actor": named_parameters(self.actor),
            "optimizer": self.optimizer.state_dict(),
            "reward_standardizer": None if standardizer is None else standardizer.state_dict(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue exactly from `state_dict`. Raises RuntimeError where shapes differ."""
        self.online.load_state_dict(state["online"])
        self.target.load_state_dict(state["target"])
        self.actor.load_state_dict(state["actor"])
        settings = self.optimizer.state_dict()["param_groups"]  # those of the configuration, not of the file
        memory = copy.deepcopy(state["optimizer"]["state"])  # torch would go on with the very tensors of `state`
        self.optimizer.load_state_dict({"state": memory, "param_groups": settings})
        for name, value in self.optimizer.state.get(self.weights, {}).items():
            if value.numel() != 1 and value.shape != self.weights.shape:
                raise RuntimeError(f"the optimizer's {name} has another shape than the parameters")
        if self.reward_standardizer is not None:
            self.reward_standardizer.load_state_dict(state["reward_standardizer"])
        self.updates = int(state["updates"])


def take(q: Tensor, actions: Tensor) -> Tensor:
    """The values of chosen actions. q: (B, T, N, A), actions: (B, T, N) -> (B, T, N)"""
    return q.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def mask_unavailable(q: Tensor, available: Tensor | None) -> Tensor:
    """q with -inf where an action is not allowed. q, available: (B, T, N, A)"""
    return q if available is None else q.masked_fill(~available, -torch.inf)
