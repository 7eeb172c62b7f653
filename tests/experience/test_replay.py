"""Memory keeps episodes exactly, forgets the oldest, and draws what its strategy says."""

from typing import Any

import numpy as np
import pytest
import torch

from lockstep.config.schema import ReplayConfig
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.replay import (
    EpisodeStore,
    ObsPacking,
    Pieces,
    Replay,
    RewardingReplay,
    UniformReplay,
    build_replay,
)
from lockstep.experience.replay_kernel import gather_obs
from tests.episodes import SPEC, random_episodes

CPU = torch.device("cpu")


def with_returns(*returns: float) -> EpisodeBatch:
    """One episode for each given return, earned in its first step."""
    batch = random_episodes(SPEC, len(returns))
    reward = torch.zeros_like(batch.reward)
    reward[:, 0, 0] = torch.tensor(returns)
    return EpisodeBatch(**{**vars(batch), "reward": reward})


def whole(count: int) -> Pieces:
    """The first `count` episodes."""
    return Pieces(np.arange(count), np.zeros(count, dtype=np.int64), SPEC.time_limit)


def returns_in(batch: EpisodeBatch) -> list[float]:
    return batch.returns().tolist()


@pytest.mark.parametrize(
    "bits", [(8, 8, 1, 1, 1), (1,) * 9, (8,) * 3, (32, 1, 8), (1, 32, 8, 1, 1, 1, 1, 1, 1, 1, 1, 32)]
)
def test_packing_is_exact(bits: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    columns = [
        torch.randn(40, generator=generator)
        if width == 32
        else torch.randint(2**width, (40,), generator=generator).float()
        for width in bits
    ]
    obs = torch.stack(columns, dim=-1).view(4, 10, -1)
    packing = ObsPacking(bits, CPU)
    packed = packing.pack(obs)
    assert torch.equal(packing.unpack(packed), obs)
    drawn = torch.empty((2, 3, 2, len(bits)))
    rows, starts = np.array([3, 0]), np.array([2, 0])
    gather_obs(packed.view(4, 5, 2, -1).numpy(), rows, starts, packing.columns, drawn.numpy())
    whole = obs.view(4, 5, 2, -1)
    assert torch.equal(drawn, torch.stack([whole[3, 2:], whole[0, :3]]))


def test_a_warehouse_observation_takes_eleven_bytes() -> None:
    assert ObsPacking((8, 8) + (1,) * 69, CPU).packed_dim == 11


def test_an_episode_comes_back_as_it_went_in() -> None:
    store = EpisodeStore(SPEC, 16, CPU)
    batch = random_episodes(SPEC, 6)
    store.add(batch)
    back = store.get(whole(6))
    for name in ("obs", "actions", "reward", "terminated", "truncated", "filled", "available", "state"):
        assert torch.equal(getattr(back, name), getattr(batch, name)), name


def test_a_piece_is_a_part_of_its_episode() -> None:
    store = EpisodeStore(SPEC, 16, CPU)
    batch = random_episodes(SPEC, 6)
    store.add(batch)
    piece = store.get(Pieces(np.array([4, 2]), np.array([3, 0]), 4))
    for name, steps in (("obs", 5), ("actions", 4), ("reward", 4), ("terminated", 4), ("truncated", 4), ("filled", 4)):
        whole = getattr(batch, name)
        assert torch.equal(getattr(piece, name), torch.stack([whole[4, 3 : 3 + steps], whole[2, :steps]])), name


@pytest.mark.parametrize("steps", [0, 4])
def test_drawing_compiled_or_on_a_device_gives_the_same(steps: int) -> None:
    store = EpisodeStore(SPEC, 16, CPU)
    store.add(random_episodes(SPEC, 16))
    pieces = store.draw(40, steps, np.random.default_rng(0))
    compiled, general = store.get(pieces), store.room(40, pieces.steps)
    store.fill_uncompiled(general, torch.from_numpy(pieces.rows), torch.from_numpy(pieces.starts))
    for name in ("obs", "actions", "reward", "terminated", "truncated", "filled"):
        assert torch.equal(getattr(general, name), getattr(compiled, name)), name


def test_pieces_stay_inside_their_episodes_where_these_are_long_enough() -> None:
    store = EpisodeStore(SPEC, 64, CPU)
    store.add(random_episodes(SPEC, 64))
    piece = store.get(store.draw(500, 3, np.random.default_rng(0)))
    long_enough = piece.lengths() == 3
    assert long_enough.float().mean() > 0.5
    assert (piece.lengths() >= 1).all()


def test_the_oldest_leave_first() -> None:
    store = EpisodeStore(SPEC, 4, CPU)
    store.add(with_returns(1, 2, 3))
    store.add(with_returns(4, 5, 6))
    assert store.size == 4
    assert sorted(returns_in(store.get(whole(4)))) == [3, 4, 5, 6]


def test_episodes_without_masks_among_those_with_some_allow_everything() -> None:
    """A run that began where the package told masks goes on where none are needed."""
    masked, free = random_episodes(SPEC, 2), random_episodes(SPEC, 2)
    shape = (2, SPEC.time_limit + 1, SPEC.num_agents, SPEC.num_actions)
    store = EpisodeStore(SPEC, 4, CPU)
    store.add(EpisodeBatch(**{**vars(masked), "available": torch.zeros(shape, dtype=torch.bool)}))
    store.add(EpisodeBatch(**{**vars(free), "available": None}))
    available = store.get(whole(4)).available
    assert available is not None
    assert available.flatten(1).all(1).tolist() == [False, False, True, True]


def test_more_episodes_than_fit_leave_the_newest() -> None:
    store = EpisodeStore(SPEC, 3, CPU)
    store.add(with_returns(1, 2, 3, 4, 5))
    assert sorted(returns_in(store.get(whole(3)))) == [3, 4, 5]


def test_uniform_draws_every_episode_alike() -> None:
    replay = UniformReplay(SPEC, ReplayConfig(buffer_size=4, batch_size=4), CPU)
    replay.add(with_returns(1, 2, 3, 4))
    rng = np.random.default_rng(0)
    drawn = [value for _ in range(500) for value in returns_in(replay.sample(rng))]
    counts = np.bincount(np.array(drawn, dtype=int))[1:]
    assert abs(counts - 500).max() < 5 * np.sqrt(500)


def test_a_quarter_of_each_batch_earned_something() -> None:
    config = ReplayConfig(buffer_size=8, batch_size=8, rewarding_fraction=0.25, rewarding_buffer_size=8)
    replay = build_replay(SPEC, config, CPU)
    assert isinstance(replay, RewardingReplay)
    replay.add(with_returns(7.0, *[0.0] * 7))
    replay.add(with_returns(*[0.0] * 8))  # pushes the 7 out of the first memory, not out of the second
    rng = np.random.default_rng(0)
    assert [returns_in(replay.sample(rng)).count(7.0) for _ in range(5)] == [2] * 5


def test_nothing_rewarding_yet_means_an_ordinary_batch() -> None:
    config = ReplayConfig(buffer_size=8, batch_size=8, rewarding_fraction=0.5)
    replay = build_replay(SPEC, config, CPU)
    replay.add(with_returns(*[0.0] * 8))
    assert replay.sample(np.random.default_rng(0)).num_episodes == 8


@pytest.mark.parametrize("steps", [0, 2])
def test_a_batch_may_be_rewarding_altogether(steps: int) -> None:
    config = ReplayConfig(buffer_size=8, batch_size=8, rewarding_fraction=1.0, segment_steps=steps)
    replay = build_replay(SPEC, config, CPU)
    replay.add(with_returns(7.0, *[0.0] * 7))
    assert replay.sample(np.random.default_rng(0)).num_episodes == 8


def test_rewarding_episodes_in_an_ordinary_replay_are_counted() -> None:
    replay = UniformReplay(SPEC, ReplayConfig(buffer_size=4, batch_size=4), CPU)
    assert replay.counts()["replay_rewarding_episodes"] == 0
    replay.add(with_returns(7.0, 0.0, 2.0))
    assert replay.counts()["replay_rewarding_episodes"] == 2
    replay.add(with_returns(0.0, 0.0))  # pushes the 7 out
    assert replay.counts()["replay_rewarding_episodes"] == 1


def test_not_ready_before_one_batch_is_held() -> None:
    replay = UniformReplay(SPEC, ReplayConfig(buffer_size=8, batch_size=4), CPU)
    replay.add(with_returns(1, 2, 3))
    assert not replay.ready()
    replay.add(with_returns(4))
    assert replay.ready()


@pytest.mark.parametrize("fraction", [0.0, 0.5])
def test_a_restored_replay_draws_the_same(fraction: float) -> None:
    config = ReplayConfig(buffer_size=5, batch_size=4, rewarding_fraction=fraction, rewarding_buffer_size=3)
    one, other = build_replay(SPEC, config, CPU), build_replay(SPEC, config, CPU)
    one.add(with_returns(1, 0, 3, 0, 5, 6, 0))
    other.load_state_dict(one.state_dict())
    for replay in (one, other):
        replay.add(with_returns(8, 0))
    assert drawn(one) == drawn(other)


def drawn(replay: Replay) -> list[Any]:
    rng = np.random.default_rng(3)
    return [returns_in(replay.sample(rng)) for _ in range(4)]
