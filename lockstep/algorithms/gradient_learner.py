"""A learner that only needs a loss: everything else that gradient descent on episodes takes, once for all algorithms.

An algorithm hands over networks and a `Page`: pure functions of networks and a batch. Here are the networks' copies,
the vectors that all parameters live in, Adam, clipping, divergence, and the processes that share a batch.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lockstep.algorithms.fast.recorded_step import RecordedStep
from lockstep.algorithms.fast.shares import GradientWorkers, num_shares
from lockstep.algorithms.fast.threads import GradientThreads
from lockstep.algorithms.learner import Choice, DivergedError, Metrics, Page, Suspect, Thoughts
from lockstep.algorithms.reward_standardizer import RewardStandardizer
from lockstep.config.schema import RunConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.networks.agents import AgentNetwork
from lockstep.networks.flat import flatten, named_parameters, num_parameters
from lockstep.spec import EnvSpec

CHECK_UPDATES = 64
"""On a GPU, updates between two looks at whether all gradients were finite; every look waits for it."""
PROBED_EPISODES = 32
"""Episodes that `health` looks at."""


class Copies(NamedTuple):
    """Which copies of the networks follow them, and how."""

    target_tau: float = 0.0
    """Share of the way that the target networks move after every update; 0: by `target_sync_updates`."""
    target_sync_updates: int = 0
    """Updates after which they are copied; 0, with no tau: the algorithm has none, online stands for them."""
    actor_tau: float = 0.0
    """Share of the way that the network played by moves after every update; 0: the newest plays."""


class GradientLearner:
    """See `Learner`. On a GPU the host never waits for an update, and three things differ from a CPU.

    A gradient that is not finite leaves everything as it is, as do all that come after it, and DivergedError is raised
    within `CHECK_UPDATES` updates. Metrics are tensors of the update they were returned by. A batch that is the same
    memory in every call, as the replay's is there, is used where it lies; any other is copied.
    """

    prepares_rewards = False
    """Whether rewards are standardized in `prepare`, once, and not in every update."""

    def __init__(
        self,
        spec: EnvSpec,
        config: RunConfig,
        networks: nn.ModuleDict,
        page: Page,
        copies: Copies | None = None,
        choice: Choice = "greedy",
        threads: bool = False,
    ) -> None:
        """networks: freshly initialized, `agent` first among them. threads: they share a batch, not processes."""
        copies = Copies() if copies is None else copies
        self.spec, self.page, self.copies, self.choice = spec, page, copies, choice
        self.grad_norm_clip = config.optimizer.grad_norm_clip
        self.device = torch.device(config.training.device)
        if self.device.index is not None:
            torch.cuda.set_device(self.device)  # what is recorded is recorded on the current one
        self.online = networks.to(self.device)
        has_target = copies.target_tau > 0 or copies.target_sync_updates > 0
        self.target = copy.deepcopy(self.online).requires_grad_(False) if has_target else self.online
        self.agent: AgentNetwork = self.online["agent"]  # type: ignore[assignment]
        self.actor = copy.deepcopy(self.agent).requires_grad_(False) if copies.actor_tau > 0 else self.agent
        # From here on the parameters are views of three vectors, which move as a whole.
        count = num_parameters(self.online)
        self.workers: GradientThreads | GradientWorkers = (
            GradientThreads(num_shares(config, spec), count, self.device)
            if threads
            else GradientWorkers(spec, config, count)
        )
        self.weights = flatten(self.online, self.workers.online)
        self.target_weights = flatten(self.target, self.workers.target) if has_target else self.weights
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
        self.diverged = torch.zeros((), device=self.device)
        """1.0 from the first gradient that was not finite."""
        self.optimizer.found_inf = self.diverged  # type: ignore[attr-defined]  # with 1.0, a fused Adam changes nothing
        self.reward_standardizer = RewardStandardizer(self.device) if config.algorithm.standardize_rewards else None
        self.recorded = RecordedStep(self.step, self._moving) if self.device.type == "cuda" else None
        self.updates = 0

    def prepare(self, episodes: EpisodeBatch) -> EpisodeBatch:
        """See `Learner.prepare`."""
        return episodes

    def update(self, batch: EpisodeBatch, meanwhile: Callable[[], None] | None = None) -> Metrics:
        """See `Learner.update`."""
        if self.recorded is not None:
            metrics = self.recorded.play(batch)
        else:
            metrics = self.step(batch, meanwhile)
            if self.diverged.item():
                self.diverged.zero_()
                norm, loss = metrics["grad_norm"].item(), metrics["loss"].item()
                raise DivergedError(f"gradient norm {norm} and loss {loss} at update {self.updates}", batch)
        self.updates += 1
        self._follow()
        if self.recorded is not None:
            if meanwhile is not None:
                meanwhile()
            if self.updates % CHECK_UPDATES == 0:
                self.check()
        return metrics

    def step(self, batch: EpisodeBatch, meanwhile: Callable[[], None] | None = None) -> dict[str, Tensor]:
        """One gradient step of the online networks, or none where `diverged` becomes 1. The host asks for no number."""
        standardizer, moments = None if self.prepares_rewards else self.reward_standardizer, None
        if standardizer is not None:
            moments = standardizer.moments.clone()
            batch = replace(batch, reward=standardizer(batch.team_reward))
        loss, metrics, gradient = self.workers.gradient(self.gradient, batch, meanwhile)
        if self.weights.grad is None:
            self.weights.grad = gradient
        else:
            self.weights.grad.copy_(gradient)
        grad_norm = nn.utils.clip_grad_norm_(self.weights, self.grad_norm_clip)
        self.diverged.copy_(torch.maximum(self.diverged, (~torch.isfinite(grad_norm + loss)).to(self.diverged)))
        if standardizer is not None and moments is not None:
            standardizer.moments.copy_(torch.where(self.diverged > 0, moments, standardizer.moments))
        self.optimizer.step()
        return {**metrics, "loss": loss, "grad_norm": grad_norm.detach()}

    def gradient(self, batch: EpisodeBatch) -> tuple[Tensor, Metrics, Tensor]:
        """The loss, its metrics, and its gradient by all parameters as one vector."""
        return self.page.gradient(self.online, self.target, batch)

    def check(self) -> None:
        """See `Learner.check`. Waits for the GPU."""
        if self.recorded is not None and self.recorded.batch is not None and self.diverged.item():
            first = max(self.updates - CHECK_UPDATES, 0)
            said = f"a gradient that is not finite between updates {first} and {self.updates}; the newest batch is kept"
            raise DivergedError(said, self.recorded.batch)

    def _moving(self) -> list[Tensor]:
        """All that `step` changes. It makes the optimizer's memory, where there is none yet."""
        if not self.optimizer.state:
            self.weights.grad = torch.zeros_like(self.weights)
            self.optimizer.step()  # with a gradient of zeros: it changes nothing but the number of steps
            self.optimizer.state[self.weights]["step"].zero_()
        moments = [] if self.reward_standardizer is None else [self.reward_standardizer.moments]
        return [self.weights, *self.optimizer.state[self.weights].values(), self.diverged, *moments]

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the target networks, a little after every update or all the way now and then, and the acting average."""
        tau, period, actor_tau = self.copies
        if tau > 0:
            self.target_weights.lerp_(self.weights, tau)
        elif period > 0 and self.updates % period == 0:
            self.target_weights.copy_(self.weights)
        if self.actor is not self.agent:
            self.actor_weights.lerp_(self.weights[: len(self.actor_weights)], actor_tau)

    def health(self, episodes: EpisodeBatch) -> dict[str, float]:
        """See `Learner.health`."""
        batch = episodes.select(torch.arange(min(PROBED_EPISODES, episodes.num_episodes))).to(self.device)
        if self.reward_standardizer is not None:
            batch = replace(batch, reward=self.reward_standardizer.standardized(batch.team_reward))
        return self.page.health(self.online, batch)

    def thoughts(self, episode: EpisodeBatch) -> Thoughts:
        """See `Learner.thoughts`."""
        return self.page.thoughts(self.online, episode.to(self.device))

    def suspects(self, batch: EpisodeBatch) -> dict[str, Suspect]:
        """See `Learner.suspects`."""
        damaged = "were damaged before this update, as by a changed checkpoint"
        found = {"parameters": Suspect(self.weights, f"the networks {damaged}")}
        if self.target is not self.online:
            found["target parameters"] = Suspect(self.target_weights, f"the target networks {damaged}")
        return found | self.page.suspects(self.online, self.target, batch)

    def policy_state(self) -> dict[str, dict[str, Tensor]]:
        """See `Learner.policy_state`."""
        others = {name: named_parameters(module) for name, module in self.online.items() if name != "agent"}
        return {"agent": named_parameters(self.actor), **others}

    def begin_from(self, policy: Mapping[str, Mapping[str, Tensor]]) -> None:
        """See `Learner.begin_from`."""
        for name, parameters in policy.items():
            self.online[name].load_state_dict(parameters)
        self.target.load_state_dict(self.online.state_dict())
        self.actor.load_state_dict(self.agent.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """See `Learner.state_dict`."""
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
        """See `Learner.load_state_dict`."""
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
        if self.recorded is not None:
            self.recorded.forget()  # it knows only the optimizer's old memory
        self.updates = int(state["updates"])
