"""What is done with a run's numbers as they come: files, TensorBoard, lines on a terminal. One protocol for all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO

from lockstep.config.load import flat
from lockstep.config.schema import RunConfig
from lockstep.run_directory import RunDirectory

Row = Mapping[str, Any]
HPARAM_METRICS = ("test_return_mean", "return_mean", "loss")
"""What TensorBoard's hparams tab shows beside each configuration."""


class Status(NamedTuple):
    """Where the loop stands: cheap enough to be told after every round."""

    env_steps: int
    updates: int
    wall_seconds: float
    epsilon: float
    warming_up: bool


class Logger(Protocol):
    """Called by the trainer in turn with everything that happens."""

    def training(self, row: Row) -> None:
        """A row of metrics.jsonl."""

    def evaluation(self, row: Row) -> None:
        """A row of eval.jsonl."""

    def recording(self, row: Row) -> None:
        """A row of recordings.jsonl: the first episode of the evaluation just told."""

    def checkpoint(self, path: Path, env_steps: int) -> None:
        """A checkpoint is safely on disk."""

    def note(self, sentence: str) -> None:
        """Something the user should read."""

    def tick(self, status: Status) -> None:
        """After every round."""

    def close(self) -> None:
        """The loop is over, for whatever reason."""


class SilentLogger:
    """Does nothing with anything: what others inherit the rest from."""

    def training(self, row: Row) -> None: ...

    def evaluation(self, row: Row) -> None: ...

    def recording(self, row: Row) -> None: ...

    def checkpoint(self, path: Path, env_steps: int) -> None: ...

    def note(self, sentence: str) -> None: ...

    def tick(self, status: Status) -> None: ...

    def close(self) -> None: ...


class JsonlLogger(SilentLogger):
    """metrics.jsonl, eval.jsonl and recordings.jsonl: one JSON object per line, on disk when the call returns."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run

    def training(self, row: Row) -> None:
        _append(self._run.metrics, row)

    def evaluation(self, row: Row) -> None:
        _append(self._run.evaluations, row)

    def recording(self, row: Row) -> None:
        _append(self._run.recordings, row)


class TensorBoardLogger(SilentLogger):
    """events.* with the metrics' names as tags, over env_steps, and the configuration for the hparams tab."""

    def __init__(self, run: RunDirectory, config: RunConfig) -> None:
        from torch.utils.tensorboard.summary import hparams
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer = SummaryWriter(str(run.path), flush_secs=10)
        known = (int, float, str)
        values = {name: value if isinstance(value, known) else str(value) for name, value in flat(config).items()}
        assert self._writer.file_writer is not None, "a new writer is open"
        for summary in hparams(values, dict.fromkeys(HPARAM_METRICS, 0.0)):
            self._writer.file_writer.add_summary(summary)

    def training(self, row: Row) -> None:
        self._write(row)

    def evaluation(self, row: Row) -> None:
        self._write(row)

    def close(self) -> None:
        self._writer.close()

    def _write(self, row: Row) -> None:
        for name, value in row.items():
            if name != "env_steps" and isinstance(value, int | float):
                self._writer.add_scalar(name, value, row["env_steps"])


class LineLogger(SilentLogger):
    """Plain lines, for a pipe or a log file: one per evaluation, checkpoint and note."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def evaluation(self, row: Row) -> None:
        self._line(
            f"{row['env_steps']:>12,} env steps  {row['updates']:>8,} updates  {row['wall_seconds']:>7.0f} s  "
            f"test return {row['test_return_mean']:.2f} ± {row['test_return_std']:.2f}"
        )

    def checkpoint(self, path: Path, env_steps: int) -> None:
        self._line(f"{env_steps:>12,} env steps  checkpoint {path.name}")

    def note(self, sentence: str) -> None:
        self._line(sentence)

    def _line(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


def _append(path: Path, row: Row) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(dict(row)) + "\n")
