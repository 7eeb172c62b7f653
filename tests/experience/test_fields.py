"""One table says what an episode consists of; whatever it names travels from the recorder into files and to helpers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockstep import spec as spec_module
from lockstep.acting.exploration import Explorer
from lockstep.acting.policy import blind_dtype
from lockstep.algorithms.fast import shares
from lockstep.algorithms.fast.shares import Exchange, SharedMemory
from lockstep.config.schema import ExplorationConfig
from lockstep.errors import UserError
from lockstep.experience import episodes, replay, rollout
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.replay import EpisodeStore, Pieces
from lockstep.experience.rollout import EpisodeWriter
from lockstep.spec import EnvSpec, Field, episode_bytes, episode_fields
from lockstep.training.checkpoints.replay_files import read_replay, write_replay
from tests.episodes import SPEC, random_episodes

CPU = torch.device("cpu")


def all_of(count: int, spec: EnvSpec = SPEC) -> Pieces:
    return Pieces(np.arange(count), np.zeros(count, dtype=np.int64), spec.time_limit)


def same(one: EpisodeBatch, other: EpisodeBatch) -> bool:
    mine, others = one.fields(), other.fields()
    return mine.keys() == others.keys() and all(torch.equal(value, others[name]) for name, value in mine.items())


class OneStore:
    """A replay of one ring."""

    def __init__(self, spec: EnvSpec) -> None:
        self.store = EpisodeStore(spec, 8, CPU)

    def stores(self) -> dict[str, EpisodeStore]:
        return {"all": self.store}


def as_any(value: Any) -> Any:
    return value


@pytest.fixture
def energy(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line more in the table: what every agent had left before each step, and after the last."""

    def with_energy(spec: EnvSpec) -> dict[str, Field]:
        return {**episode_fields(spec), "energy": Field("int64", "T+1", (spec.num_agents,), stored="int16")}

    for module in (spec_module, episodes, replay, rollout, shares):
        monkeypatch.setattr(module, "episode_fields", with_energy)


@pytest.mark.usefixtures("energy")
def test_a_field_more_is_one_line_and_travels_from_the_recorder_to_files_and_helpers(tmp_path: Path) -> None:
    writer, lanes = EpisodeWriter(SPEC, 3), np.ones(3, dtype=bool)
    source = random_episodes(SPEC, 3)
    energy = torch.randint(-30_000, 30_000, (3, SPEC.time_limit + 1, SPEC.num_agents))
    for name, value in {**source.fields(), "energy": energy}.items():
        for t in range(value.shape[1]):
            writer.write(t, lanes, **{name: value[:, t].numpy()})
    played = writer.batch()
    assert torch.equal(played.more["energy"], energy)

    remembered, again = OneStore(SPEC), OneStore(SPEC)
    remembered.store.add(played)
    assert remembered.store.num_bytes() == 3 * episode_bytes(SPEC, masks=True)
    assert remembered.store.data["energy"].dtype == torch.int16
    assert same(remembered.store.get(all_of(3)), played)
    general = remembered.store.room(3, SPEC.time_limit)
    remembered.store.fill_uncompiled(general, torch.arange(3), torch.zeros(3, dtype=torch.int64))
    assert same(general, played)
    pieces = Pieces(np.array([2, 0]), np.array([1, 3]), 3)
    assert torch.equal(remembered.store.get(pieces).more["energy"], torch.stack([energy[2, 1:5], energy[0, 3:7]]))

    read_replay(as_any(again), tmp_path, write_replay(as_any(remembered), tmp_path, {}))
    back = again.store.get(all_of(3))
    assert same(back, played)

    mine = Exchange.create(SPEC, 5, 4, SPEC.time_limit)
    message = mine.write(back)
    theirs = Exchange(SharedMemory(mine.memory.descriptor, mine.memory.size), SPEC, 5, 4, SPEC.time_limit)
    assert same(theirs.read(message), played)
    assert same(played.select(torch.tensor([2, 1])).to(CPU), back.select(torch.tensor([2, 1])))


@pytest.mark.parametrize("rewards", [1, 3])
def test_the_table_is_what_batches_are_made_of(rewards: int) -> None:
    spec = replace(SPEC, num_agents=3, num_rewards=rewards, own_state_dim=4)
    batch = EpisodeBatch.empty(spec, 2, 5, (), CPU)
    assert {name: tuple(value.shape) for name, value in batch.fields().items()} == {
        "obs": (2, 6, 3, 5),
        "actions": (2, 5, 3),
        "reward": (2, 5, rewards),
        "terminated": (2, 5, 1),
        "truncated": (2, 5, 1),
        "filled": (2, 5, 1),
        "available": (2, 6, 3, 3),
        "own_state": (2, 6, 4),
    }
    assert EpisodeBatch.empty(spec, 2, 5, ("available", "own_state"), CPU).available is None


@pytest.mark.parametrize(("num_actions", "dtype"), [(256, torch.uint8), (300, torch.int16), (40_000, torch.int32)])
def test_an_action_comes_back_as_itself_however_many_there_are(
    num_actions: int, dtype: torch.dtype, tmp_path: Path
) -> None:
    spec = replace(SPEC, num_actions=num_actions)
    memory, again = OneStore(spec), OneStore(spec)
    batch = random_episodes(spec, 4, some_unavailable=False)
    batch.actions[0, 0, 0] = num_actions - 1
    memory.store.add(batch)
    assert memory.store.data["actions"].dtype == dtype
    read_replay(as_any(again), tmp_path, write_replay(as_any(memory), tmp_path, {}))
    for store in (memory.store, again.store):
        assert torch.equal(store.get(all_of(4)).actions, batch.actions)


@pytest.mark.parametrize(("num_actions", "dtype"), [(5, np.int8), (128, np.int8), (300, np.int16), (70_000, np.int32)])
def test_actions_that_are_decided_beforehand_fit_their_type(num_actions: int, dtype: type) -> None:
    assert blind_dtype(num_actions) == dtype
    explorer = Explorer(ExplorationConfig(repeat_max_steps=3), np.ones(50), 2, num_actions, np.random.default_rng(0))
    plan = explorer.plan(40).forced
    assert plan.min() >= 0
    assert num_actions // 2 < plan.max() < num_actions


def test_actions_by_the_ten_thousand_are_explored_without_wrapping() -> None:
    explorer = Explorer(ExplorationConfig(), np.ones(50), 2, 70_000, np.random.default_rng(0))
    plan = explorer.plan(40).forced
    assert plan.min() >= 0
    assert 33_000 < plan.max() < 70_000


@pytest.mark.parametrize(
    ("feature", "value", "declared"),
    [
        (0, 256.0, "a whole number from 0 to 255"),
        (0, -1.0, "a whole number"),
        (0, 0.5, "a whole number"),
        (0, float("inf"), "a whole number"),
        (1, 0.5, "0 or 1"),
        (2, 2.0, "0 or 1"),
        (4, float("nan"), "0 or 1"),
    ],
)
def test_a_number_that_is_not_what_was_declared_is_refused(feature: int, value: float, declared: str) -> None:
    store, batch = EpisodeStore(SPEC, 4, CPU), random_episodes(SPEC, 2)
    batch.obs[1, 2, 1, feature] = value
    with pytest.raises(UserError, match=f"Observation feature {feature} is {value:g}, .*declares it as {declared}"):
        store.add(batch)
    assert store.size == 0


def test_lengths_of_very_long_episodes_fit() -> None:
    assert spec_module.stored_fields(replace(SPEC, time_limit=3 * 10**9))["length"].dtype == "int64"
    assert spec_module.stored_fields(SPEC)["length"].dtype == "int32"
