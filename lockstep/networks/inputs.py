"""What an agent's network sees: one function for acting and for learning, so that the two can never drift apart."""

import torch
from torch import Tensor
from torch.nn import functional

from lockstep.config.schema import NetworkConfig
from lockstep.spec import EnvSpec


def input_dim(spec: EnvSpec, config: NetworkConfig) -> int:
    """Features per agent in what `agent_inputs` returns."""
    return spec.obs_dim + config.last_action * spec.num_actions + config.agent_id * spec.num_agents


def agent_inputs(obs: Tensor, last_actions: Tensor | None, spec: EnvSpec, config: NetworkConfig) -> Tensor:
    """Observation, then the previous action's one-hot, then the agent's one-hot number, as far as configured.

    obs: (B, T, N, O)    last_actions: (B, T, N) int64, -1 before the first step; None when not configured
    returns (B, T, N, I)
    """
    parts = [obs]
    if config.last_action:
        assert last_actions is not None
        # -1 (nothing done yet) becomes class 0 of A + 1, which is cut off: all zeros.
        parts.append(functional.one_hot(last_actions + 1, spec.num_actions + 1)[..., 1:].to(obs.dtype))
    if config.agent_id:
        numbers = torch.eye(spec.num_agents, dtype=obs.dtype, device=obs.device)
        parts.append(numbers.expand(*obs.shape[:2], -1, -1))
    return torch.cat(parts, dim=-1) if len(parts) > 1 else obs


def previous_actions(actions: Tensor) -> Tensor:
    """Actions (B, T, N) seen one step later: (B, T+1, N), -1 at the start."""
    return torch.cat([torch.full_like(actions[:, :1], -1), actions], dim=1)
