"""An algorithm of one's own: REINFORCE (Williams 1992), every agent for the team's discounted return.

    lockstep train smoke algorithm=examples.own_algorithm:REINFORCE t_max=1_500_000 num_envs=64 lr=3e-3 \\
        warmup_env_steps=0 epsilon_start=0 epsilon_finish=0

from the folder above this one: about 3 shelves an episode after a minute. Settings, metrics and the report's words are
here; the loop, whole episodes played by sampling, checkpoints and the live page are Lockstep's.
"""

from typing import cast

from torch import Tensor, log_softmax, nn, zeros_like

from lockstep.algorithms.algorithm import Algorithm
from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.algorithms.learner import Gradient, Suspect, Thoughts, autograd
from lockstep.algorithms.q_learning import mask_unavailable
from lockstep.algorithms.returns import td_lambda
from lockstep.config.schema import RunConfig
from lockstep.config.schema.fresh import FreshConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.agents import build_agent
from lockstep.networks.inputs import agent_inputs, previous_actions
from lockstep.runs.metrics import Metric
from lockstep.spec import EnvSpec


class ReinforceConfig(FreshConfig):
    """Its settings: those of every algorithm that learns from what was just played, and one more."""

    entropy_bonus: float = 0.01
    """Weight of the policy's entropy in the objective: higher explores longer."""


class Reinforce:
    """The page: pure functions of the networks and a batch (B episodes, T steps, N agents, A actions)."""

    def __init__(self, spec: EnvSpec, config: RunConfig) -> None:
        self.spec, self.network, self.settings = spec, config.network, cast(ReinforceConfig, config.algorithm)

    def log_chances(self, networks: nn.ModuleDict, batch: EpisodeBatch) -> Tensor:
        seen = agent_inputs(batch.obs, previous_actions(batch.actions), self.spec, self.network)
        return log_softmax(mask_unavailable(networks["agent"](seen)[0], batch.available), -1)  # (B, T+1, N, A)

    def gradient(self, online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch) -> Gradient:
        filled, last = batch.filled.float(), batch.terminated | batch.truncated
        to_go = td_lambda(batch.team_reward, zeros_like(filled), last, last, self.settings.gamma, 1.0)  # (B, T, 1)
        baseline = (to_go * filled).sum(0) / filled.sum(0).clamp(min=1)  # what the lanes earned from that step on
        advantage = (to_go - baseline) / (to_go.std() + 1e-6)

        def loss() -> tuple[Tensor, dict[str, Tensor]]:
            log_chances = self.log_chances(online, batch)[:, :-1]
            entropy = -(log_chances.exp() * log_chances.clamp(min=-1e9)).sum(-1).mean(-1, keepdim=True)
            taken = log_chances.gather(-1, batch.actions.unsqueeze(-1)).squeeze(-1).sum(-1, keepdim=True)
            objective = ((taken * advantage + self.settings.entropy_bonus * entropy) * filled).sum() / filled.sum()
            return -objective, {"policy_entropy": (entropy.detach() * filled).sum() / filled.sum()}

        return autograd(loss, online)

    def health(self, online: nn.ModuleDict, batch: EpisodeBatch) -> dict[str, float]:
        return {}

    def thoughts(self, online: nn.ModuleDict, episode: EpisodeBatch) -> Thoughts:
        return Thoughts(self.log_chances(online, episode)[0, :-1].detach().exp(), thinks_in="chances")

    def suspects(self, online: nn.ModuleDict, target: nn.ModuleDict, batch: EpisodeBatch) -> dict[str, Suspect]:
        return {}


REINFORCE = Algorithm(
    "examples.own_algorithm:REINFORCE",
    ReinforceConfig,
    networks=lambda spec, config: nn.ModuleDict({"agent": build_agent(spec, config.network)}),
    learner=lambda spec, config, parts: GradientLearner(spec, config, parts, Reinforce(spec, config), choice="sampled"),
    page=Reinforce,
    feed="fresh",
    choice="sampled",
    paragraph="**REINFORCE** makes actions that were followed by more than usual more likely.",
    metrics=(Metric("policy_entropy", "nats", "mean entropy of the policy", "falls slowly"),),
)
