"""Our compiled draws are numpy's, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.envs.random_streams import (
    STREAM_WORDS,
    Stream,
    choose_without_replacement,
    draw_below,
    draw_uniform,
    permute,
    seed_stream,
)

seeds = st.integers(0, 2**64 - 1)


def both(seed: int) -> tuple[Stream, np.random.Generator]:
    stream = np.zeros(STREAM_WORDS, dtype=np.uint64)
    seed_stream(stream, np.uint64(seed))
    return stream, np.random.Generator(np.random.PCG64(seed))


def words(generator: np.random.Generator) -> list[int]:
    state = generator.bit_generator.state
    mask = 2**64 - 1
    inner = state["state"]
    return [inner["state"] >> 64, inner["state"] & mask, inner["inc"] >> 64, inner["inc"] & mask]


@given(seeds)
def test_a_seed_starts_the_same_stream(seed: int) -> None:
    stream, generator = both(seed)
    assert [int(word) for word in stream[:4]] == words(generator)


@given(seeds, st.lists(st.integers(1, 2**32 - 1), max_size=40))
def test_bounded_integers_are_the_same(seed: int, bounds: list[int]) -> None:
    stream, generator = both(seed)
    assert [draw_below(stream, bound) for bound in bounds] == [int(generator.integers(bound)) for bound in bounds]
    assert [int(word) for word in stream[:4]] == words(generator)


@given(seeds, st.lists(st.booleans(), max_size=30))
def test_uniform_numbers_are_the_same_between_integers(seed: int, uniform: list[bool]) -> None:
    stream, generator = both(seed)
    for one in uniform:
        if one:
            assert draw_uniform(stream, -1.0, 1.0) == generator.uniform(-1.0, 1.0)
        else:
            assert draw_below(stream, 1000) == generator.integers(1000)


@given(seeds, st.integers(1, 400), st.data())
def test_choices_without_replacement_are_the_same(seed: int, population: int, data: st.DataObject) -> None:
    stream, generator = both(seed)
    count = data.draw(st.integers(1, population))
    chosen = np.empty(count, dtype=np.int64)
    choose_without_replacement(stream, population, chosen)
    assert chosen.tolist() == generator.choice(np.arange(population), size=count, replace=False).tolist()
    assert draw_below(stream, 1000) == generator.integers(1000)


@given(seeds, st.lists(st.integers(0, 40), max_size=10))
def test_permutations_are_the_same(seed: int, lengths: list[int]) -> None:
    stream, generator = both(seed)
    for length in lengths:
        order = np.empty(length, dtype=np.int64)
        permute(stream, order)
        assert order.tolist() == generator.permutation(length).tolist()
    assert draw_below(stream, 1000) == generator.integers(1000)


@pytest.mark.parametrize("bound", [1, 2, 3, 2**31 + 1, 2**32 - 1])
def test_rejection_happens_at_the_same_draws(bound: int) -> None:
    stream, generator = both(1)
    assert [draw_below(stream, bound) for _ in range(2_000)] == [int(generator.integers(bound)) for _ in range(2_000)]
