# mypy: disable-error-code="no-any-return, arg-type, assignment"
"""Who may move when robots want each other's cells: the official package's graph rules, without its graphs.

Every robot is an edge from its cell to the cell it wants (its own, if it stays). In each connected part:

* a cycle of one (somebody stays): only that robot "moves", so nobody does;
* a cycle of two (a head-on swap): nobody moves;
* a longer cycle: the robots on it rotate, all others wait;
* no cycle: the part is a tree that flows into one free cell. The robots on its longest path move, all others wait.

Where two branches of a tree are equally long, the package takes the first in the order of a copied networkx graph
(warehouse.py, line 855: `G.subgraph(c).copy()`, then `dag_longest_path`). That order is

* the order in which cells became nodes (robot 1's cell, its wanted cell, robot 2's cell, ...), when the part holds at
  least half of all nodes (networkx's coreviews.FilterAtlas);
* otherwise the iteration order of a Python set of (x, y) tuples, filled from another such set, which was filled breadth
  first. It follows from CPython's tuple hash and set table (Objects/setobject.c), which are rebuilt here.
"""

import numpy as np
from numpy.typing import NDArray

from lockstep.compute.compiled import compiled

_LINEAR_PROBES = 9
_PERTURB_SHIFT = 5
_FREE = -1


@compiled
def resolve_conflicts(
    wanted: NDArray[np.int64], robots: NDArray[np.int32], lane: int, cell_hashes: NDArray[np.uint64]
) -> None:
    """Replace the wanted cell of every robot that may not move by its own.

    wanted: (agents,) cells. robots: (lanes, agents, 4), of which [lane, :, 0] are the robots' cells, all distinct.
    """
    if not _resolve_lines(wanted, robots, lane):
        _resolve_parts(wanted, robots[lane, :, 0].astype(np.int64), cell_hashes)


@compiled
def _resolve_lines(wanted: NDArray[np.int64], robots: NDArray[np.int32], lane: int) -> bool:
    """The common case, without a graph: no cell is wanted twice, so every part is a line into a free cell or a ring.

    Then only head-on pairs stay. False, with nothing changed, where some cell is wanted twice.
    """
    num_robots = len(wanted)
    for i in range(num_robots):
        for j in range(i):
            if wanted[i] == wanted[j]:
                return False
    for i in range(num_robots):
        for j in range(i):
            if wanted[i] == robots[lane, j, 0] and wanted[j] == robots[lane, i, 0]:
                wanted[i], wanted[j] = wanted[j], wanted[i]
    return True


@compiled
def _resolve_parts(wanted: NDArray[np.int64], cells: NDArray[np.int64], cell_hashes: NDArray[np.uint64]) -> None:
    """The general case: connected parts, each resolved by itself. wanted, cells: (agents,)"""
    robots = len(cells)
    nodes = np.empty(2 * robots, dtype=np.int64)  # cells in the order in which they became nodes
    count = 0
    out = np.empty(2 * robots, dtype=np.int64)  # node -> node its robot wants, _FREE for a free cell
    source = np.empty(robots, dtype=np.int64)
    for i in range(robots):
        for cell in (cells[i], wanted[i]):
            if _index(nodes, count, cell) == _FREE:
                nodes[count] = cell
                out[count] = _FREE
                count += 1
        source[i] = _index(nodes, count, cells[i])
        out[source[i]] = _index(nodes, count, wanted[i])

    part = np.full(count, _FREE, dtype=np.int64)
    moves = np.zeros(count, dtype=np.bool_)
    for first in range(count):
        if part[first] == _FREE:
            members = _breadth_first(first, count, out, source, part)
            _let_move(members, nodes[:count], out, source, moves, cell_hashes)
    for i in range(robots):
        if not moves[source[i]]:
            wanted[i] = cells[i]


@compiled
def _let_move(
    members: NDArray[np.int64],
    nodes: NDArray[np.int64],
    out: NDArray[np.int64],
    source: NDArray[np.int64],
    moves: NDArray[np.bool_],
    cell_hashes: NDArray[np.uint64],
) -> None:
    """Mark the nodes of one connected part whose robots move. Every node has one way out at most: follow it."""
    ahead = members[0]
    for _ in range(len(members)):
        if out[ahead] == _FREE:
            break
        ahead = out[ahead]
    if out[ahead] != _FREE:  # after as many steps as there are nodes: on the part's only cycle
        length, node = 1, out[ahead]
        while node != ahead:
            length, node = length + 1, out[node]
        if length == 2:
            return
        for _ in range(length):
            moves[node] = True
            node = out[node]
        return

    depth = np.zeros(len(nodes), dtype=np.int64)  # robots behind a node, on the longest branch
    for _ in range(len(members)):
        for node in members:
            if out[node] != _FREE:
                depth[out[node]] = max(depth[out[node]], depth[node] + 1)
    order = members_in_copy_order(members, nodes, cell_hashes)
    node = ahead  # the free cell; walk back along the longest branch
    while depth[node]:
        for behind in order:
            if out[behind] == node and depth[behind] == depth[node] - 1:
                moves[behind] = True
                node = behind
                break


@compiled
def _breadth_first(
    first: int, count: int, out: NDArray[np.int64], source: NDArray[np.int64], part: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The nodes connected with `first`, level by level: the way out, then the ways in, by robot number."""
    found = np.empty(count, dtype=np.int64)
    found[0] = first
    part[first] = first
    size = 1
    position = 0
    while position < size:
        node = found[position]
        position += 1
        if out[node] != _FREE and part[out[node]] == _FREE:
            part[out[node]] = first
            found[size] = out[node]
            size += 1
        for behind in source:
            if out[behind] == node and part[behind] == _FREE:
                part[behind] = first
                found[size] = behind
                size += 1
    return found[:size]


@compiled
def members_in_copy_order(
    members: NDArray[np.int64], nodes: NDArray[np.int64], cell_hashes: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """The order of a part's nodes in networkx's copy of it. members: node numbers, breadth first."""
    if 2 * len(members) >= len(nodes):
        return np.sort(members)
    hashes = np.empty(len(nodes), dtype=np.uint64)
    for node in range(len(nodes)):
        hashes[node] = cell_hashes[nodes[node]]
    return set_order(set_order(members, hashes), hashes)


@compiled
def set_order(items: NDArray[np.int64], hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The order in which CPython iterates a set that distinct `items` were added to; item i hashes to hashes[i]."""
    table = np.full(8, _FREE, dtype=np.int64)
    for used, item in enumerate(items):
        _insert(table, item, hashes)
        if (used + 1) * 5 >= (len(table) - 1) * 3:
            size = 8
            while size <= (used + 1) * 4:
                size *= 2
            larger = np.full(size, _FREE, dtype=np.int64)
            for old in table:
                if old != _FREE:
                    _insert(larger, old, hashes)
            table = larger
    return table[table != _FREE]


@compiled
def _insert(table: NDArray[np.int64], item: int, hashes: NDArray[np.uint64]) -> None:
    """Probe ten neighbors where they fit, then jump (set_add_entry, set_insert_clean)."""
    mask = np.uint64(len(table) - 1)
    perturb = hashes[item]
    start = perturb & mask
    while True:
        probes = _LINEAR_PROBES if start + np.uint64(_LINEAR_PROBES) <= mask else 0
        for offset in range(probes + 1):
            place = np.int64(start) + offset
            if table[place] == _FREE:
                table[place] = item
                return
        perturb >>= np.uint64(_PERTURB_SHIFT)
        start = (start * np.uint64(5) + np.uint64(1) + perturb) & mask


@compiled
def _index(nodes: NDArray[np.int64], count: int, cell: int) -> int:
    for node in range(count):
        if nodes[node] == cell:
            return node
    return _FREE
