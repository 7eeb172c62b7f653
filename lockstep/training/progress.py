"""The live display of a training run: one calm panel that is redrawn in place."""

import time
from collections import deque
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lockstep.config.schema import RunConfig
from lockstep.envs.registry import task_name
from lockstep.formats import clock, compact, sparkline
from lockstep.runs.cleaning import one_line
from lockstep.runs.directory import RunDirectory
from lockstep.runs.loggers import Row, SilentLogger, Status
from lockstep.training.time_left import Pace, time_left

RATE_WINDOW_SECONDS = 20.0
MOMENT_SECONDS = 1.0
"""Seconds between moments that are remembered to say how long it takes."""


class ProgressDisplay(SilentLogger):
    """Bar with time left, speeds, epsilon, returns with a sparkline, last checkpoint. For terminals."""

    def __init__(self, console: Console, pace: Pace | None = None) -> None:
        self._console, self._pace = console, pace
        self._passed: list[tuple[float, float]] = []
        self._test_returns: list[float] = []
        self._row: Row = {}
        self._evaluation: Row = {}
        self._status: Status | None = None
        self._recent: deque[tuple[float, int, int]] = deque()
        self._checkpoint = "none yet"

    def begin(self, config: RunConfig, run: RunDirectory) -> None:
        self._config, self._run, self._task = config, run, task_name(config.env)
        self._live = Live(console=self._console, refresh_per_second=4, transient=False, get_renderable=self.render)
        self._live.start()

    def training(self, row: Row) -> None:
        self._row = row

    def evaluation(self, row: Row) -> None:
        self._evaluation = row
        self._test_returns.append(row["test_return_mean"])

    def checkpoint(self, path: Path, env_steps: int) -> None:
        self._checkpoint = f"at {compact(env_steps)} steps"

    def note(self, sentence: str) -> None:
        self._live.console.print(Text(sentence, style="yellow"), soft_wrap=True)

    def tick(self, status: Status) -> None:
        now = time.monotonic()
        self._status = status
        if not self._passed or status.wall_seconds - self._passed[-1][1] >= MOMENT_SECONDS:
            self._passed.append((status.env_steps, status.wall_seconds))
        self._recent.append((now, status.env_steps, status.updates))
        while len(self._recent) > 2 and now - self._recent[0][0] > RATE_WINDOW_SECONDS:
            self._recent.popleft()

    def end(self, outcome: str) -> None:
        self._live.stop()

    def render(self) -> Group:
        """The panel as it stands now."""
        config, status = self._config, self._status
        title = Text.assemble(
            ("lockstep ", "bold cyan"), (self._task, "bold"), ("  ", ""), (one_line(str(self._run.path)), "dim")
        )
        if status is None:
            return Group(title, Text("preparing", style="dim"))
        total = config.training.max_env_steps
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=total, completed=min(status.env_steps, total), width=36, complete_style="cyan"),
            f"{compact(status.env_steps)} / {compact(total)} steps",
            Text(self._time_left(status), style="dim"),
        )
        steps_per_second, updates_per_second = self._rates()
        facts = Table.grid(padding=(0, 2))
        for _ in range(2):
            facts.add_column(style="dim", justify="right")
            facts.add_column()
        facts.add_row("env steps/s", compact(steps_per_second), "updates/s", f"{updates_per_second:.1f}")
        facts.add_row("updates", compact(status.updates), "epsilon", f"{status.epsilon:.3f}")
        facts.add_row("train return", self._train_return(status), "checkpoint", self._checkpoint)
        return Group(title, bar, facts, self._test_line())

    def _test_line(self) -> Text:
        if not self._evaluation:
            return Text("test return  first evaluation to come", style="dim")
        target = self._config.training.stop_at_test_return
        mean, std = self._evaluation["test_return_mean"], self._evaluation["test_return_std"]
        line = Text.assemble(("test return ", "dim"), (f"{mean:.2f} ± {std:.2f}  ", "bold"))
        line.append(sparkline(self._test_returns, 40), style="cyan")
        if target is not None:
            line.append(f"  goal: above {target:g}", style="dim")
        return line

    def _train_return(self, status: Status) -> str:
        if status.warming_up:
            return "random warm-up"
        return f"{self._row['return_mean']:.2f}" if "return_mean" in self._row else "-"

    def _rates(self) -> tuple[float, float]:
        if len(self._recent) < 2:
            return 0.0, 0.0
        (then, steps, updates), (now, later_steps, later_updates) = self._recent[0], self._recent[-1]
        seconds = max(now - then, 1e-9)
        return (later_steps - steps) / seconds, (later_updates - updates) / seconds

    def _time_left(self, status: Status) -> str:
        elapsed, left = clock(status.wall_seconds), time_left(self._config, self._passed, self._pace)
        if left is None:
            return elapsed
        most = "" if self._config.training.stop_at_test_return is None else "at most "
        return f"{elapsed}, {most}{left.clock} left"
