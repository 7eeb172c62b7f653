"""Crowded moves are decided as networkx and Python's sets decide them."""

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.envs.rware._right_of_way import resolve_conflicts, set_order

Cell = tuple[int, int]


def official_moves(cells: list[Cell], wanted: list[Cell]) -> list[bool]:
    """Who moves, by the package's rule: warehouse.py, lines 845 to 870."""
    graph = networkx.DiGraph()
    for start, target in zip(cells, wanted, strict=True):
        graph.add_edge(start, target)
    free: set[Cell] = set()
    for part in [graph.subgraph(nodes).copy() for nodes in networkx.weakly_connected_components(graph)]:
        try:
            cycle = networkx.find_cycle(part)
            if len(cycle) != 2:
                free.update(edge[0] for edge in cycle)
        except networkx.NetworkXNoCycle:
            free.update(networkx.dag_longest_path(part))
    return [cell in free for cell in cells]


def our_moves(cells: list[Cell], wanted: list[Cell], side: int) -> list[bool]:
    numbers = {(x, y): y * side + x for y in range(side) for x in range(side)}
    hashes = np.array([hash(cell) & (2**64 - 1) for cell in numbers], dtype=np.uint64)
    robots = np.zeros((1, len(cells), 4), dtype=np.int32)
    robots[0, :, 0] = [numbers[cell] for cell in cells]
    goals = np.array([numbers[cell] for cell in wanted], dtype=np.int64)
    resolve_conflicts(goals, robots, 0, hashes)
    # A robot that stays on purpose "moves" in the package's words: onto its own cell.
    return [
        bool(goal == numbers[want] and (goal != numbers[cell] or want == cell))
        for goal, want, cell in zip(goals, wanted, cells, strict=True)
    ]


def neighbors(cell: Cell, side: int) -> list[Cell]:
    x, y = cell
    around = [(x, y), (x, y - 1), (x, y + 1), (x - 1, y), (x + 1, y)]
    return [(a, b) for a, b in around if 0 <= a < side and 0 <= b < side]


def test_a_line_follows_its_leader_into_a_free_cell() -> None:
    cells, wanted = [(0, 0), (1, 0), (2, 0)], [(1, 0), (2, 0), (3, 0)]
    assert our_moves(cells, wanted, 4) == [True, True, True]


def test_a_line_behind_somebody_who_stays_stays() -> None:
    cells, wanted = [(0, 0), (1, 0), (2, 0)], [(1, 0), (2, 0), (2, 0)]
    assert our_moves(cells, wanted, 4) == [False, False, True]


def test_a_head_on_pair_stays_and_so_do_its_followers() -> None:
    cells, wanted = [(0, 0), (1, 0), (2, 0)], [(1, 0), (0, 0), (1, 0)]
    assert our_moves(cells, wanted, 4) == [False, False, False]


def test_a_ring_of_four_turns_and_leaves_its_follower_behind() -> None:
    cells, wanted = [(1, 1), (2, 1), (2, 2), (1, 2), (0, 1)], [(2, 1), (2, 2), (1, 2), (1, 1), (1, 1)]
    assert our_moves(cells, wanted, 4) == [True, True, True, True, False]


def test_of_two_who_want_a_free_cell_the_lower_number_goes() -> None:
    cells, wanted = [(0, 1), (2, 1)], [(1, 1), (1, 1)]
    assert our_moves(cells, wanted, 4) == [True, False]


def test_the_longer_line_goes_first() -> None:
    cells, wanted = [(0, 1), (2, 1), (3, 1)], [(1, 1), (1, 1), (2, 1)]
    assert our_moves(cells, wanted, 4) == [False, True, True]


def test_in_a_part_smaller_than_half_a_set_decides_and_the_higher_number_may_go() -> None:
    """Two crossings, each with equally long branches: at one of them Python's set puts the higher number first."""
    outcomes = set()
    for x in range(12):
        cells = [(0, 9), (5, 9), (9, 9), (x, 1), (x + 2, 1)]
        wanted = [(0, 10), (5, 10), (9, 10), (x + 1, 1), (x + 1, 1)]
        ours = our_moves(cells, wanted, 16)
        assert ours == official_moves(cells, wanted)
        outcomes.add(tuple(ours[3:]))
    assert outcomes == {(True, False), (False, True)}


@st.composite
def crowds(draw: st.DrawFn) -> tuple[int, list[Cell], list[Cell]]:
    side = draw(st.integers(2, 7))
    everywhere = [(x, y) for y in range(side) for x in range(side)]
    cells = draw(st.permutations(everywhere))[: draw(st.integers(1, side * side))]
    return side, cells, [draw(st.sampled_from(neighbors(cell, side))) for cell in cells]


@given(crowds())
def test_crowds_resolve_as_in_networkx(crowd: tuple[int, list[Cell], list[Cell]]) -> None:
    side, cells, wanted = crowd
    assert our_moves(cells, wanted, side) == official_moves(cells, wanted)


@pytest.mark.parametrize(("side", "num_robots"), [(3, 8), (4, 7), (6, 19), (8, 19), (12, 19), (6, 30), (20, 120)])
def test_random_crowds_resolve_as_in_networkx(side: int, num_robots: int, fresh_seed: int) -> None:
    rng = np.random.default_rng(fresh_seed)
    for _ in range(30 if num_robots > 50 else 200):
        chosen = rng.choice(side * side, size=num_robots, replace=False)
        cells = [(int(cell) % side, int(cell) // side) for cell in chosen]
        wanted = [neighbors(cell, side)[-1 - int(rng.integers(min(4, len(neighbors(cell, side)))))] for cell in cells]
        assert our_moves(cells, wanted, side) == official_moves(cells, wanted)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), unique=True, max_size=150))
def test_sets_iterate_in_our_order(cells: list[Cell]) -> None:
    filled = set()
    for cell in cells:
        filled.add(cell)
    hashes = np.array([hash(cell) & (2**64 - 1) for cell in cells], dtype=np.uint64)
    order = set_order(np.arange(len(cells), dtype=np.int64), hashes)
    assert [cells[i] for i in order] == list(filled)
