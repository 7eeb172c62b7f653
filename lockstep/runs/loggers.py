"""Loggers are told everything that happens in a run as it happens: files, TensorBoard, lines on a terminal.

A logger of one's own is a class with the methods of `Logger` (inherit from `SilentLogger` and write those that matter);
`logging.loggers=["my_module:MyLogger"]` adds it to a run.
"""

import json
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TextIO

from lockstep.config.knobs import flat
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.files import ROWS_BYTES, open_to_append, read_regular
from lockstep.named import load_named
from lockstep.runs.directory import RunDirectory, write_atomically

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

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
    """The trainer calls its loggers one after the other with everything that happens.

    A logger is made without arguments and belongs to one run at a time: `begin` comes first, `end` last, whatever goes
    wrong in between. It may raise UserError, which ends the run in that sentence; what it has to say of a run that was
    stopped and resumed is the same as of one that was not.
    """

    def begin(self, config: RunConfig, run: RunDirectory) -> None:
        """A run begins, or goes on, in the folder `run`."""

    def rewind(self, env_steps: int) -> None:
        """A resumed run goes on from its checkpoint at `env_steps`: what was told of later steps will be told again."""

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

    def end(self, outcome: str) -> None:
        """The loop is over. outcome: solved, max_env_steps, max_seconds, interrupted, or failed."""


class SilentLogger:
    """A logger that does nothing with anything; others inherit from it what they have no use for."""

    def begin(self, config: RunConfig, run: RunDirectory) -> None: ...

    def rewind(self, env_steps: int) -> None: ...

    def training(self, row: Row) -> None: ...

    def evaluation(self, row: Row) -> None: ...

    def recording(self, row: Row) -> None: ...

    def checkpoint(self, path: Path, env_steps: int) -> None: ...

    def note(self, sentence: str) -> None: ...

    def tick(self, status: Status) -> None: ...

    def end(self, outcome: str) -> None: ...


def build_loggers(names: Sequence[str]) -> list[Logger]:
    """A logger for each name: one of `LOGGERS`, or a class of one's own, `my_module:MyLogger`.

    Raises UserError for a name that is neither, or a class that cannot be made without arguments.
    """
    return [_build(name) for name in names]


def _build(name: str) -> Logger:
    if name in LOGGERS:
        return LOGGERS[name]()
    if ":" not in name:
        raise UserError(
            f"logging.loggers has {name!r}, which is no logger; there are {', '.join(LOGGERS)}, and my_module:MyLogger "
            "is a class of yours."
        )
    made = load_named("logging.loggers", name)
    missing = [method for method in _METHODS if not callable(getattr(made, method, None))]
    if missing or not isinstance(made, type):
        raise UserError(
            f"logging.loggers has {name!r}, which is no class of loggers (no {', '.join(missing) or 'class'}); inherit "
            "from lockstep.SilentLogger, which has every method."
        )
    try:
        logger: Logger = made()
    except TypeError as error:
        raise UserError(f"{name} must be made without arguments; `begin` gets the configuration ({error}).") from error
    return logger


class JsonlLogger(SilentLogger):
    """Writes metrics.jsonl, eval.jsonl and recordings.jsonl: a JSON object a line, on disk when the call returns."""

    def begin(self, config: RunConfig, run: RunDirectory) -> None:
        self._run = run

    def rewind(self, env_steps: int) -> None:
        with self._run.writing("what is kept of the rows"):
            self._run.truncate_rows_after(env_steps)

    def training(self, row: Row) -> None:
        self._append(self._run.metrics, row)

    def evaluation(self, row: Row) -> None:
        self._append(self._run.evaluations, row)

    def recording(self, row: Row) -> None:
        self._append(self._run.recordings, row)

    def _append(self, path: Path, row: Row) -> None:
        with self._run.writing(path.name):
            _append(path, (json.dumps(dict(row)) + "\n").encode())


class TensorBoardLogger(SilentLogger):
    """Writes events.* with the metrics' names as tags, over env_steps, and the configuration for the hparams tab.

    The loop itself writes: the usual writer's thread hides a full disk, and waits forever for it.
    """

    def begin(self, config: RunConfig, run: RunDirectory) -> None:
        self._run = run
        with run.writing("TensorBoard's events"):
            if not any(run.path.glob("events.*")):
                path = run.path / f"events.out.tfevents.{int(time.time())}.lockstep"
                _append(path, b"".join(map(_record, (_event(file_version="brain.Event:2"), *_hparams(config)))))

    def rewind(self, env_steps: int) -> None:
        with self._run.writing("TensorBoard's events"):
            cut_events_after(self._run, env_steps)

    def training(self, row: Row) -> None:
        self._write(row)

    def evaluation(self, row: Row) -> None:
        self._write(row)

    def _write(self, row: Row) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=name, simple_value=value)
            for name, value in row.items()
            if name != "env_steps" and isinstance(value, int | float)
        ]
        with self._run.writing("TensorBoard's events"):
            path = max(self._run.path.glob("events.*"), default=self._run.path / "events.out.tfevents.lockstep")
            _append(path, _record(_event(step=row["env_steps"], summary=Summary(value=values))))


def cut_events_after(run: RunDirectory, env_steps: int) -> None:
    """Drop TensorBoard's points that a resumed run will write again, and a torn last one."""
    for path in run.path.glob("events.*"):
        write_atomically(path, b"".join(raw for raw, step in _events_in(path) if step <= env_steps))


def last_event_step(run: RunDirectory) -> int:
    """The env steps of TensorBoard's newest point; 0 where there is none."""
    return max((step for path in run.path.glob("events.*") for _, step in _events_in(path)), default=0)


def _events_in(path: Path) -> Iterator[tuple[bytes, int]]:
    """Whole events of a file, framed as they are there, each with its step."""
    from tensorboard.compat.proto.event_pb2 import Event

    content, start = read_regular(path, ROWS_BYTES), 0
    while start + 12 <= len(content):
        (size,) = struct.unpack("<Q", content[start : start + 8])
        end = start + 12 + size + 4
        if end > len(content):
            return
        try:
            event = Event.FromString(content[start + 12 : end - 4])
        except Exception:  # whatever bytes that are no event make the reader raise
            return
        yield content[start:end], event.step
        start = end


class LineLogger(SilentLogger):
    """Prints plain lines, for a pipe or a log file: one per evaluation, checkpoint and note."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

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


LOGGERS: Mapping[str, Callable[[], Logger]] = {
    "jsonl": JsonlLogger,
    "tensorboard": TensorBoardLogger,
    "lines": LineLogger,
}
"""The loggers that come with the house, by name."""
_METHODS = ("begin", "rewind", "training", "evaluation", "recording", "checkpoint", "note", "tick", "end")


def _append(path: Path, data: bytes) -> None:
    """All of it or nothing. Raises OSError."""
    with open_to_append(path) as file:
        start, written = file.tell(), 0
        try:
            while written < len(data):
                written += file.write(data[written:])
        except OSError:
            file.truncate(start)
            raise


def _hparams(config: RunConfig) -> "list[Event]":
    from torch.utils.tensorboard.summary import hparams

    known = (int, float, str)
    values = {name: value if isinstance(value, known) else str(value) for name, value in flat(config).items()}
    summaries = hparams(values, dict.fromkeys(HPARAM_METRICS, 0.0))  # type: ignore[no-untyped-call]
    return [_event(summary=summary) for summary in summaries]


def _event(**fields: Any) -> "Event":
    from tensorboard.compat.proto.event_pb2 import Event

    return Event(wall_time=time.time(), **fields)


def _record(event: "Event") -> bytes:
    """As TensorFlow frames it: length, its checksum, the event, its checksum."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    buffer = BytesIO()
    RecordWriter(buffer).write(event.SerializeToString())
    return buffer.getvalue()
