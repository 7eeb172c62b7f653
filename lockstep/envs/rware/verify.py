"""Both engines side by side, step by step, until they differ or the steps are used up: `lockstep verify rware`."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from lockstep.envs.registry import make_vec
from lockstep.envs.rware.drivers import DRIVERS
from lockstep.envs.rware.kinds import KINDS, Kind, Setting
from lockstep.envs.rware.official import OfficialWarehouses
from lockstep.envs.rware.simulator import Simulator
from lockstep.errors import UserError

ROBOT_STEPS_PER_MATCH = 3_000
"""Few robots play longer in one warehouse than many: the official package's time goes with the robots."""
STEPS_PER_DRIVER = 50
SNAPSHOT_EVERY = 20
"""Steps between two comparisons of everything, what nobody sees included."""
_DRIVERS = (*DRIVERS, "delivering", "delivering")
_AHEAD = ((0, -1), (0, 1), (-1, 0), (1, 0))

Progress = Callable[[str, int, int], None]
"""Called with the kind, the steps compared so far, and all steps."""


@dataclass
class KindRow:
    """What was compared in one kind of warehouse."""

    kind: str
    warehouses: int = 0
    episodes: int = 0
    steps: int = 0
    """Steps of one warehouse."""
    deliveries: int = 0
    robot_steps: int = 0
    """The same, times robots: what the official package's time goes with."""
    conflicts: int = 0
    """Steps in which two robots wanted one cell, or each other's, or followed each other."""


@dataclass
class Difference:
    """The first thing in which the two engines differed, and how to see it again."""

    what: str
    key: str
    arguments: dict[str, Any]
    seed: int
    driver: str
    step: int
    """Steps after the warehouse was made; a reset counts none."""
    actions: list[Any]
    before: str
    """Picture before the step; both engines still agreed."""
    official: str
    lockstep: str

    def text(self) -> str:
        """The pictures side by side."""
        left, right = self.official.splitlines(), self.lockstep.splitlines()
        width = max(map(len, ["official", *left])) + 4
        left += [""] * (len(right) - len(left))
        right += [""] * (len(left) - len(right))
        pictures = "\n".join(f"{a:<{width}}{b}" for a, b in zip(["official", *left], ["lockstep", *right], strict=True))
        return (
            f"{self.what} differs in {self.key} {self.arguments or ''} seed {self.seed}, driver {self.driver}, "
            f"at step {self.step}.\n\nbefore, both\n{self.before}\n\nactions {self.actions}\n\n{pictures}"
        )


@dataclass
class VerifyReport:
    """What `verify` found."""

    seed: int
    seconds: float = 0.0
    kinds: list[KindRow] = field(default_factory=list)
    difference: Difference | None = None

    @property
    def steps(self) -> int:
        """Steps compared, over all kinds."""
        return sum(row.steps for row in self.kinds)

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps({"steps": self.steps, "differences": int(self.difference is not None), **asdict(self)})

    def text(self) -> str:
        """A table of the kinds, and the difference if there is one."""
        lines = [f"{'kind':<16}{'warehouses':>11}{'episodes':>10}{'steps':>11}{'deliveries':>12}{'conflicts':>11}"]
        lines += [
            f"{row.kind:<16}{row.warehouses:>11,}{row.episodes:>10,}{row.steps:>11,}{row.deliveries:>12,}"
            f"{row.conflicts:>11,}"
            for row in self.kinds
            if row.steps or self.difference
        ]
        if self.difference:
            return "\n".join([*lines, "", self.difference.text()])
        return "\n".join([*lines, "", f"{self.steps:,} steps compared (seed {self.seed}), no difference."])


def verify(
    keys_pattern: str | None = None,
    steps: int = 100_000,
    seed: int | None = None,
    progress: Progress | None = None,
    kinds: tuple[str, ...] | None = None,
) -> VerifyReport:
    """Compare `steps` steps of one warehouse, stopping at the first difference. The kinds share the steps so that
    each drives as many robots.

    keys_pattern: only keys that match (`*` and `?`) or contain it. seed: of the warehouses and the drivers; None: a
    fresh one, in the report. kinds: some of KINDS; None: all.
    """
    if steps < 1:
        raise UserError(f"steps={steps} must be at least 1.")
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
    report, started = VerifyReport(seed), time.perf_counter()
    chosen = {name: KINDS[name] for name in kinds or KINDS}
    rng = np.random.default_rng(seed)
    settings = {name: _first(kind, keys_pattern, rng) for name, kind in chosen.items()}
    chosen = {name: kind for name, kind in chosen.items() if settings[name]}
    if not chosen:
        raise UserError(f"No warehouse key matches {keys_pattern!r}; `lockstep envs rware` lists them.")
    report.kinds = [KindRow(name) for name in chosen]
    while report.difference is None and report.steps < steps:
        row = min(report.kinds, key=lambda one: one.robot_steps)
        setting = settings[row.kind] or _first(chosen[row.kind], keys_pattern, rng)
        settings[row.kind] = None
        if setting is not None:
            match = _Match(setting, int(rng.integers(2**31)), rng, row)
            length = max(100, ROBOT_STEPS_PER_MATCH // match.ours.config.n_agents)
            report.difference = match.play(min(length, steps - report.steps))
        if progress is not None:
            progress(row.kind, report.steps, steps)
    report.seconds = time.perf_counter() - started
    return report


def _first(kind: Kind, pattern: str | None, rng: np.random.Generator) -> Setting | None:
    """The first warehouse of a kind whose key matches."""
    for _ in range(2_000):
        key, arguments = kind(rng)
        if pattern is None or pattern in key or fnmatchcase(key, pattern):
            return key, arguments
    return None


class _Match:
    """One warehouse in both engines."""

    def __init__(self, setting: Setting, seed: int, rng: np.random.Generator, row: KindRow) -> None:
        self.key, self.arguments = setting
        self.seed, self.rng, self.row = seed, rng, row
        self.arguments = {"max_steps": int(rng.integers(20, 501)), **self.arguments}
        self.driver = ""
        ours = make_vec(self.key, 1, seed=seed, num_threads=1, **self.arguments)
        truth = make_vec(self.key, 1, seed=seed, engine="official", **self.arguments)
        assert isinstance(ours, Simulator)
        assert isinstance(truth, OfficialWarehouses)
        self.ours, self.truth = ours, truth
        self.bits = ours.config.msg_bits
        self.step = 0
        self.actions: list[Any] = []
        self.before = ""

    def play(self, steps: int) -> Difference | None:
        """Compare `steps` steps. Episodes follow each other; only the first is seeded."""
        self.row.warehouses += 1
        difference = self._reset()
        while difference is None and self.step < steps:
            if self.step % STEPS_PER_DRIVER == 0:
                self.driver = _DRIVERS[int(self.rng.integers(len(_DRIVERS)))]
            warehouse = self.truth.warehouses[0]
            moves = DRIVERS[self.driver](warehouse, self.rng)
            self.row.conflicts += _meet(warehouse, moves)
            said = self.rng.integers(2, size=(len(moves), self.bits)).tolist()
            self.actions = [[move, *bits] for move, bits in zip(moves, said, strict=True)] if self.bits else moves
            before = self.ours.get_state()
            a, b = self.truth.step(np.array([self.actions])), self.ours.step(np.array([self.actions]))
            self.step += 1
            self.row.steps += 1
            self.row.robot_steps += len(moves)
            self.row.deliveries += warehouse._cur_inactive_steps == 0
            pairs = {
                "The observation": (a.obs, b.obs),
                "The reward": (a.reward, b.reward),
                "The ending": (a.terminated | a.truncated, b.terminated | b.truncated),
            }
            ended = bool((a.terminated | a.truncated)[0])
            difference = self._compared(pairs, hidden=ended or self.step % SNAPSHOT_EVERY == 0)
            if difference is not None:
                self.ours.set_state(before)
                difference.before = self.ours.snapshot(0).text()
            elif ended:
                difference = self._reset()
        return difference

    def _reset(self) -> Difference | None:
        self.row.episodes += 1
        self.actions = []
        return self._compared({"The reset": (self.truth.reset(), self.ours.reset())}, hidden=True)

    def _compared(self, pairs: dict[str, tuple[Any, Any]], hidden: bool) -> Difference | None:
        wrong = [what for what, (a, b) in pairs.items() if not np.array_equal(a, b)]
        if not wrong and not (hidden and self.truth.snapshot(0) != self.ours.snapshot(0)):
            return None
        what = wrong[0] if wrong else "Something unseen"
        official, ours = self.truth.snapshot(0).text(), self.ours.snapshot(0).text()
        return Difference(
            what, self.key, self.arguments, self.seed, self.driver, self.step, self.actions, "", official, ours
        )


def _meet(warehouse: Any, moves: list[int]) -> bool:
    """Whether a robot wants to go where another one is or wants to be."""
    cells = [(int(robot.x), int(robot.y)) for robot in warehouse.agents]
    wanted = list(cells)
    height, width = warehouse.grid_size
    for i, robot in enumerate(warehouse.agents):
        dx, dy = _AHEAD[robot.dir.value]
        x, y = robot.x + dx, robot.y + dy
        if moves[i] == 1 and 0 <= x < width and 0 <= y < height:
            wanted[i] = (int(x), int(y))
    return len(set(wanted)) < len(wanted) or any(
        goal != cell and goal in cells for goal, cell in zip(wanted, cells, strict=True)
    )
