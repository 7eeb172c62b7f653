"""A trained network as a policy: greedy in its own values."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lockstep.acting import forward
from lockstep.acting.policy import check_actions
from lockstep.arrays import Actions, Floats, Mask, Obs
from lockstep.compute.compiled import announce_compilation
from lockstep.config.schema import NetworkConfig
from lockstep.networks.agents import AgentNetwork
from lockstep.networks.flat import on_host
from lockstep.networks.inputs import agent_inputs
from lockstep.networks.sharing import groups
from lockstep.spec import EnvSpec


class GreedyPolicy:
    """Each agent does what its own utilities prefer; it needs no other agent and no state (decentral execution).

    Acting is compiled, on the CPU, wherever the network lives: see `lockstep.acting.forward`.
    """

    def __init__(self, agent: AgentNetwork, spec: EnvSpec, config: NetworkConfig) -> None:
        self.agent, self.spec, self.config = agent, spec, config
        self.parameters = list(agent.parameters())
        self.device = self.parameters[0].device

    def now(self) -> "FrozenPolicy":
        """The team as it is at this moment, whatever the network learns afterwards. Does not wait for a GPU."""
        arrays, config = on_host(self.parameters), self.config
        shape = forward.Shape(
            config.recurrent, config.last_action, config.agent_id, config.layer_norm, config.dueling,
            groups(config, self.spec.num_agents),
        )  # fmt: skip
        return FrozenPolicy(lambda: forward.team_weights(arrays(), shape))

    def act(self, obs: Obs, available: Mask | None, last_actions: Actions, memory: Any) -> tuple[Actions, Any]:
        """See `lockstep.acting.policy.Policy.act`."""
        return self.now().act(obs, available, last_actions, memory)

    @torch.inference_mode()
    def values(self, obs: Obs, last_actions: Actions, memory: Any) -> tuple[Tensor, Any]:
        """Utilities (num_envs, agents, actions) on the network's device, and the next memory, as `act` has it."""
        last = torch.from_numpy(last_actions).unsqueeze(1).to(self.device) if self.config.last_action else None
        inputs = agent_inputs(torch.from_numpy(obs).unsqueeze(1).to(self.device), last, self.spec, self.config)
        before = None if memory is None else torch.from_numpy(memory).flatten(0, 1).unsqueeze(0).to(self.device)
        q, after = self.agent(inputs, before if self.config.recurrent else None)
        return q.squeeze(1), None if after is None else after.view(*obs.shape[:2], -1).cpu().numpy()


class FrozenPolicy:
    """Parameters that do not change any more, as a policy. Its memory is an array (num_envs, agents, hidden)."""

    def __init__(self, network: Callable[[], forward.TeamWeights]) -> None:
        """network: asked for at the first step, once."""
        self._network = network

    @cached_property
    def network(self) -> forward.TeamWeights:
        return self._network()

    def act(
        self, obs: Obs, available: Mask | None, last_actions: Actions, memory: Any, noise: Floats | None = None
    ) -> tuple[Actions, Any]:
        """See `lockstep.acting.policy.Policy.act`. noise: (num_envs, agents, actions), added to what they prefer."""
        announce_compilation("team", forward.act)
        num_actions = self.network.num_actions if available is None else available.shape[2]
        forward.check_fits(self.network, obs.shape[1], obs.shape[2], num_actions)
        memory = forward.fresh_memory(self.network, *obs.shape[:2]) if memory is None else memory.copy()
        actions = np.empty(obs.shape[:2], dtype=np.int64)
        allowed = np.empty((0, 0, 0), dtype=bool) if available is None else np.ascontiguousarray(available)
        heard = np.empty((0, 0, 0), dtype=np.float32) if noise is None else np.ascontiguousarray(noise)
        last = np.ascontiguousarray(last_actions, dtype=np.int64)
        check_actions(last, num_actions, first=-1)
        forward.act(self.network, np.ascontiguousarray(obs, dtype=np.float32), allowed, heard, last, memory, actions)
        return actions, memory
