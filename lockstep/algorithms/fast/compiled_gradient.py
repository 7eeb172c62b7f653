"""The page's loss of QMIX and its gradient, compiled."""

import numpy as np
import torch
from torch import Tensor, nn

from lockstep.algorithms.fast import mixing_kernel
from lockstep.algorithms.fast.agents import Agents, FeedForward, Grouped, Recurrent
from lockstep.algorithms.fast.mixing import Mixing
from lockstep.algorithms.learner import Gradient
from lockstep.algorithms.q_learning import Settings
from lockstep.compute.compiled import announce_compilation
from lockstep.config.schema import QMIXConfig, RunConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.sharing import groups


def supports(config: RunConfig) -> bool:
    """Whether the kernels know this configuration."""
    algorithm = config.algorithm
    return (
        isinstance(algorithm, QMIXConfig)
        and algorithm.n_step == 1
        and algorithm.hypernet_layers == 2
        and not algorithm.rescale_values
        and not config.network.last_action
        and not config.network.layer_norm
        and not config.network.dueling
        and not config.training.on_gpu
    )


class CompiledGradient:
    """For configurations that `supports` accepts; always called with the same networks, whose memory must stay."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workspace: Workspace | None = None

    def __call__(self, online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch) -> Gradient | None:
        """See `Page.gradient`; None for what the kernels do not know (unavailable actions, doubles)."""
        if batch.available is not None or batch.obs.dtype != torch.float32:
            return None
        shape = batch.actions.shape[:2]
        if self.workspace is None or self.workspace.shape != shape:
            self.workspace = Workspace(self.settings, online, target, *shape)
        return self.workspace.gradient(batch)


class Workspace:
    """Weights and gradients as arrays, and room for everything in between, for batches of one shape."""

    def __init__(
        self, settings: Settings, online: nn.ModuleDict, target: nn.ModuleDict, pieces: int, steps: int
    ) -> None:
        announce_compilation("learner", mixing_kernel.loss_and_gradients)
        self.shape = (pieces, steps)
        spec, network, algorithm = settings
        assert isinstance(algorithm, QMIXConfig)
        members = groups(network, spec.num_agents)
        if network.sharing != "all":
            self.agents: Agents = Grouped(spec, network, members, pieces, steps)
        else:
            self.agents = (Recurrent if network.recurrent else FeedForward)(spec, network, members[0], pieces, steps)
        self.mixing = Mixing(spec, algorithm, pieces, steps)
        self.num_agents = spec.num_agents
        parameters = [parameter.detach() for parameter in online.parameters()]
        copies = [parameter.detach() for parameter in target.parameters()]
        self.vector = torch.zeros(sum(parameter.numel() for parameter in parameters))
        parts = torch.split(self.vector, [parameter.numel() for parameter in parameters])
        gradient = [part.view(parameter.shape) for part, parameter in zip(parts, parameters, strict=True)]
        # (agents', mixer's), as arrays that share the networks' memory.
        first = len(list(online["agent"].parameters()))
        self.online, self.target, self.found = (
            (arrays[:first], arrays[first:])
            for arrays in ([tensor.numpy() for tensor in tensors] for tensors in (parameters, copies, gradient))
        )

    def gradient(self, batch: EpisodeBatch) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """See `Page.gradient`; the next call writes over the vector."""
        agent, mixer = self.online
        target_agent, target_mixer = self.target
        d_agent, d_mixer = self.found
        q, target_q = self.agents.values(batch, agent, target_agent)
        sums = self.mixing.run(batch, q, target_q, mixer, target_mixer, d_mixer)
        self.agents.gradient(batch, self.mixing.d_taken, agent, d_agent)
        count = np.float32(batch.filled.sum())
        means = {
            "td_error_abs": sums.absolute / count,
            "q_taken_mean": sums.q_tot / (count * self.num_agents),
            "target_mean": sums.target / (count * self.num_agents),
        }
        metrics = {name: torch.tensor(value) for name, value in means.items()}
        return torch.tensor(sums.squared / count), metrics, self.vector
