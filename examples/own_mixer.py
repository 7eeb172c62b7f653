"""A mixer of one's own for Q-learning: a weighted sum of the agents' values, the weights learnt.

    lockstep train smoke mixer=examples.own_mixer:WeightedSum
    lockstep train smoke mixer=examples.own_mixer:WeightedSum first_weight=0.5

from the folder above this one. Everything else (targets, replay, checkpoints, report, player) is Lockstep's.
"""

import torch
from torch import Tensor, nn

from lockstep.config.schema import QLearningConfig
from lockstep.networks.mixers import MixingInputs
from lockstep.spec import EnvSpec


class WeightedSum(nn.Module):
    """**A weighted sum** of the agents' values: one learnt weight an agent, kept above zero."""

    class section(QLearningConfig):  # noqa: N801, looked up by this name
        """Its settings: those of Q-learning, and one more."""

        first_weight: float = 1.0
        """What every weight is at first."""

    def __init__(self, spec: EnvSpec, settings: "WeightedSum.section") -> None:
        super().__init__()
        self.logarithms = nn.Parameter(torch.full((spec.num_agents,), settings.first_weight).log())

    def forward(self, agent_values: Tensor, inputs: MixingInputs) -> Tensor:
        """(B, T, N) -> (B, T, 1)"""
        return (agent_values * self.logarithms.exp()).sum(-1, keepdim=True)
