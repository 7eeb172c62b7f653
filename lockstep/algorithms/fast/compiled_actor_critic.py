"""The page's loss of policies and critic, its gradient, and what is known in hindsight, compiled."""

import threading

import numpy as np
import torch
from torch import Tensor, nn

from lockstep.algorithms.actor_critic import ActorCriticSettings, Hindsight, critic_of, returns_from
from lockstep.algorithms.fast import actor_critic_kernel as kernel
from lockstep.algorithms.learner import Gradient
from lockstep.arrays import Bools, Floats
from lockstep.compute.compiled import announce_compilation
from lockstep.config.schema import RunConfig
from lockstep.config.schema.actor_critic import ActorCriticConfig
from lockstep.experience.episodes import EpisodeBatch

BLOCK_ROWS = 512
"""Rows of a block: their layers fill half of a core's second cache."""


def supports(config: RunConfig) -> bool:
    """Whether the kernels know this configuration."""
    algorithm, network = config.algorithm, config.network
    return (
        isinstance(algorithm, ActorCriticConfig)
        and not network.recurrent
        and not network.last_action
        and not network.layer_norm
        and not network.dueling
        and network.sharing == "all"
        and not algorithm.shared_trunk
        and algorithm.shared_experience == 0
        and not config.training.on_gpu
    )


class CompiledActorCritic:
    """For configurations that `supports` accepts. Several threads may call it at once, each with a part of a batch."""

    def __init__(self, settings: ActorCriticSettings) -> None:
        announce_compilation("learner", kernel.study_policy)
        self.settings = settings
        self.mine = threading.local()
        """A thread's scratch."""

    def gradient(
        self, online: nn.ModuleDict, batch: EpisodeBatch, before: Hindsight, entropy_weight: Tensor
    ) -> Gradient | None:
        """See `Page.gradient`; None for doubles."""
        if batch.obs.dtype != torch.float32:
            return None
        algorithm, agents = self.settings.algorithm, self.settings.spec.num_agents
        policy, critic = self._networks(online)
        units = critic_of(online)
        studied = kernel.Studied(
            batch.actions.contiguous().numpy(),
            _mask(batch),
            batch.filled.numpy(),
            *(value.contiguous().numpy() for value in before[:4]),
        )
        count, groups = float(batch.filled.sum()), before.value.shape[-1]
        sums, value = np.zeros(5), np.empty((*batch.actions.shape[:2], groups), np.float32)
        seen, copies = self._critic_sees(batch, critic)
        kernel.study_critic(
            seen, copies, studied, algorithm.value_clip, algorithm.value_weight / (count * groups),
            critic.weights, critic.block, critic.gradients, value, sums,
        )  # fmt: skip
        advantage = studied.advantage
        if algorithm.renew_advantages:
            advantage = advantage + (studied.value - value) * np.float32(units.std.item())
        kernel.study_policy(
            policy.rows(batch.obs), studied, advantage, algorithm.clip, entropy_weight[0, 0].item(),
            1.0 / (count * agents), policy.weights, policy.block, policy.gradients, sums,
        )  # fmt: skip
        gain, entropy, kl, clipped = (sums[place] / (count * agents) for place in (0, 2, 3, 4))
        error = sums[1] / (count * groups)
        loss = algorithm.value_weight * error - gain - entropy_weight[0, 0].item() * entropy
        metrics = {
            "policy_loss": -gain,
            "value_loss": error,
            "policy_entropy": entropy,
            "policy_kl": kl,
            "clipped_share": clipped,
        }
        vector = torch.from_numpy(np.concatenate([*policy.gradient(), *critic.gradient()]))
        return _number(loss), {name: _number(value) for name, value in metrics.items()}, vector

    def in_hindsight(self, online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch) -> Hindsight | None:
        """See `lockstep.algorithms.actor_critic.in_hindsight`; None for doubles."""
        if batch.obs.dtype != torch.float32:
            return None
        policy, critic = self._networks(online)
        log_chance = np.empty(batch.actions.shape, np.float32)
        actions = batch.actions.contiguous().numpy()
        kernel.log_chances(policy.rows(batch.obs), actions, _mask(batch), policy.weights, policy.block, log_chance)
        value = self._values(batch, critic)
        slow = value
        if target is not online:
            slow = self._values(batch, self._layers(target, "critic"))
        units = critic_of(online)
        returns = returns_from(units.in_rewards(slow), batch, self.settings)
        expected = units.in_rewards(value[:, :-1])
        importance = torch.ones(log_chance.shape)
        return Hindsight(torch.from_numpy(log_chance), value[:, :-1], returns, returns - expected, importance)

    def _values(self, batch: EpisodeBatch, critic: "Layers") -> Tensor:
        """(B, U, G)"""
        seen, copies = self._critic_sees(batch, critic)
        found = np.empty((len(seen), copies * critic.outputs), np.float32)
        kernel.expect(seen, copies, critic.weights, critic.block, found)
        return torch.from_numpy(found).view(*batch.obs.shape[:2], -1)

    def _critic_sees(self, batch: EpisodeBatch, critic: "Layers") -> tuple[Floats, int]:
        """The critic's rows, and how many agents each of them is judged for, one after the other."""
        algorithm = self.settings.algorithm
        if algorithm.critic == "own":
            return critic.rows(batch.obs), 1
        return critic.rows(batch.state), self.settings.spec.num_agents if algorithm.critic_agent_id else 1

    def _networks(self, online: nn.ModuleDict) -> tuple["Layers", "Layers"]:
        """Policy and critic as this thread's kernels read them, the gradients at 0."""
        return self._layers(online, "agent"), self._layers(online, "critic")

    def _layers(self, networks: nn.ModuleDict, name: str) -> "Layers":
        layers = Layers(networks[name], self.settings, critic=name == "critic")
        if not hasattr(self.mine, name):
            setattr(self.mine, name, layers.scratch())
        layers.block = getattr(self.mine, name)
        return layers


class Layers:
    """A three-layer network as arrays that share its memory, and its gradients."""

    block: kernel.Block
    """What it writes on."""

    def __init__(self, module: nn.Module, settings: ActorCriticSettings, *, critic: bool) -> None:
        encode, b1, w2, b2, w3, b3 = (parameter.detach().numpy() for parameter in module.parameters())
        spec, algorithm = settings.spec, settings.algorithm
        central = critic and algorithm.critic == "central"
        numbered = algorithm.critic_agent_id if central else settings.network.agent_id
        self.features = encode.shape[1] - numbered * spec.num_agents
        own = np.ascontiguousarray(encode[:, : self.features])
        ids = np.ascontiguousarray(encode[:, self.features :].T) if numbered else np.zeros((1, len(b1)), np.float32)
        self.numbered, self.outputs = numbered, len(b3)
        self.weights = kernel.LayerWeights(own, b1, ids, w2, b2, w3, b3)
        self.gradients = kernel.LayerGradients(*(np.zeros_like(array) for array in (own, ids, w2, b2, w3, b3)))
        self.block_rows = max(BLOCK_ROWS // spec.num_agents, 1) * spec.num_agents

    def scratch(self) -> kernel.Block:
        """Room for a block of rows, of whole teams."""
        hidden, outputs = self.weights.w3.shape[1], self.outputs
        widths = (hidden, hidden, hidden, outputs, hidden, hidden, outputs)
        rows = (np.empty((self.block_rows, width), np.float32) for width in widths)
        sums = (np.empty_like(array) for array in (self.weights.w1, self.weights.w2, self.weights.w3))
        return kernel.Block(*rows, *sums)

    def rows(self, seen: Tensor) -> Floats:
        """(..., features) -> (rows, features)"""
        return seen.reshape(-1, self.features).numpy()

    def gradient(self) -> list[Floats]:
        """All gradients in the order of the network's parameters, flat."""
        w1, ids, w2, b2, w3, b3 = self.gradients
        first = np.concatenate([w1, ids.T], 1) if self.numbered else w1
        return [array.ravel() for array in (first, ids.sum(0), w2, b2, w3, b3)]


def _mask(batch: EpisodeBatch) -> Bools:
    """The available actions; an array of no size where all are."""
    if batch.available is None:
        return np.empty((0, 0, 0, 0), bool)
    return batch.available.contiguous().numpy()


def _number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float32)
