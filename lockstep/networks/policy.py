"""A trained network as a policy: greedy in its own values."""

from typing import Any

import torch
from torch import Tensor

from lockstep.config.schema import NetworkConfig
from lockstep.envs.vector_env import Mask, Obs
from lockstep.networks.agents import AgentNetwork
from lockstep.networks.inputs import agent_inputs
from lockstep.policy import Actions
from lockstep.spec import EnvSpec


class GreedyPolicy:
    """Each agent does what its own utilities prefer; it needs no other agent and no state (decentral execution)."""

    def __init__(self, agent: AgentNetwork, spec: EnvSpec, config: NetworkConfig) -> None:
        self.agent, self.spec, self.config = agent, spec, config
        self.device = next(agent.parameters()).device

    @torch.inference_mode()
    def values(self, obs: Obs, last_actions: Actions, memory: Any) -> tuple[Tensor, Any]:
        """Utilities (num_envs, agents, actions) on the network's device, and the next memory."""
        last = torch.from_numpy(last_actions).unsqueeze(1).to(self.device) if self.config.last_action else None
        inputs = agent_inputs(torch.from_numpy(obs).unsqueeze(1).to(self.device), last, self.spec, self.config)
        q, memory = self.agent(inputs, memory)
        return q.squeeze(1), memory

    @torch.inference_mode()
    def act(self, obs: Obs, available: Mask | None, last_actions: Actions, memory: Any) -> tuple[Actions, Any]:
        """See `lockstep.policy.Policy.act`."""
        q, memory = self.values(obs, last_actions, memory)
        if available is not None:
            q = q.masked_fill(~torch.from_numpy(available).to(self.device), -torch.inf)
        return q.argmax(-1).cpu().numpy(), memory
