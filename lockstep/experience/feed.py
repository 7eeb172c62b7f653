"""Where batches come from: what was played goes in, and a round's batches come out."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Protocol

import numpy as np
import torch

from lockstep.config.schema import RunConfig
from lockstep.config.schema.fresh import dealt
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.replay import EpisodeStore, Pieces, Replay, build_replay
from lockstep.spec import EnvSpec

Prepare = Callable[[EpisodeBatch], EpisodeBatch]
"""From what was played to what is studied: the same episodes, with what a learner derives from them."""


class Feed(Protocol):
    """What the training loop needs of a memory. All that it holds lies in its stores."""

    def take(self, episodes: EpisodeBatch) -> None:
        """Remember what was just played."""

    @property
    def ready(self) -> bool:
        """Whether there is enough to study."""

    @property
    def batches_a_round(self) -> int:
        """How many batches the next round has."""

    def batches(self, rng: np.random.Generator) -> Iterator[EpisodeBatch]:
        """A round's batches, each made when it is asked for."""

    def counts(self) -> dict[str, int]:
        """Episodes held, by the names of `lockstep.runs.metrics`."""

    def stores(self) -> dict[str, EpisodeStore]:
        """The rings that it is made of, by name."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class ReplayFeed:
    """So many samples of a long memory a round: for what can be learnt from anybody's episodes, however old."""

    def __init__(self, replay: Replay, batches_a_round: int) -> None:
        self.replay, self.batches_a_round = replay, batches_a_round
        self.take, self.counts, self.stores = replay.add, replay.counts, replay.stores
        self.state_dict, self.load_state_dict = replay.state_dict, replay.load_state_dict

    @property
    def ready(self) -> bool:
        """See `Feed.ready`."""
        return self.replay.ready()

    def batches(self, rng: np.random.Generator) -> Iterator[EpisodeBatch]:
        """See `Feed.batches`."""
        for _ in range(self.batches_a_round):
            yield self.replay.sample(rng)


class FreshFeed:
    """What was just played, several times over, and then never again: for what is learnt from the team's own choices.

    Every epoch shuffles the episodes and deals them into minibatches of equal size; what is left over of an epoch waits
    for the next one's shuffle.
    """

    def __init__(
        self, spec: EnvSpec, episodes: int, epochs: int, minibatches: int, device: torch.device, prepare: Prepare
    ) -> None:
        """episodes: the most that are played in a round. prepare: asked once what a round's episodes are dealt as."""
        self.epochs, self.minibatches, self.prepare = epochs, minibatches, prepare
        self.store = EpisodeStore(spec, episodes, device)

    def take(self, episodes: EpisodeBatch) -> None:
        """See `Feed.take`. What was taken before and not studied is forgotten."""
        assert episodes.num_episodes <= self.store.capacity, "more episodes than a round has"
        self.store.forget()
        self.store.add(episodes)

    @property
    def ready(self) -> bool:
        """See `Feed.ready`."""
        return self.store.size > 0

    @property
    def batches_a_round(self) -> int:
        """See `Feed.batches_a_round`."""
        return self.epochs * min(self.minibatches, self.store.size)

    def batches(self, rng: np.random.Generator) -> Iterator[EpisodeBatch]:
        """See `Feed.batches`. Afterwards nothing is held."""
        store = self.store
        everything = np.arange(store.size)
        episodes = self.prepare(store.get(Pieces(everything, np.zeros_like(everything), store.spec.time_limit)))
        studied, count = episodes.num_episodes, min(self.minibatches, store.size)
        for _ in range(self.epochs):
            for rows in rng.permutation(studied)[: studied // count * count].reshape(count, -1):
                yield episodes.select(torch.from_numpy(rows))
        store.forget()

    def counts(self) -> dict[str, int]:
        """See `Feed.counts`."""
        return {"replay_episodes": self.store.size, "replay_rewarding_episodes": self.store.num_rewarding()}

    def stores(self) -> dict[str, EpisodeStore]:
        """See `Feed.stores`."""
        return {"fresh": self.store}

    def state_dict(self) -> dict[str, Any]:
        return {"fresh": self.store.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.store.load_state_dict(state["fresh"])


def build_feed(
    kind: Literal["replay", "fresh"], spec: EnvSpec, config: RunConfig, device: torch.device, prepare: Prepare
) -> Feed:
    """Fresh episodes, prepared and dealt as configured, or the configured memory, and samples of it for a round's
    updates."""
    if kind == "fresh":
        return FreshFeed(spec, config.collection.num_envs, *dealt(config.algorithm), device, prepare)
    return ReplayFeed(build_replay(spec, config.replay, device), config.training.updates_per_collection)
