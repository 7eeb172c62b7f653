"""What a run writes down: every number has an entry in the registry, every line is whole."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from lockstep.algorithms.registry import metrics
from lockstep.config.load import dump_toml, load_config
from lockstep.config.presets import PRESETS
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.formats import clock, compact, sparkline
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.loggers import JsonlLogger, LineLogger, SilentLogger, Status, TensorBoardLogger, build_loggers
from lockstep.training import command
from lockstep.training.progress import ProgressDisplay
from tests.training.test_session import advanced, config

ROW = {"env_steps": 1_000, "updates": 12, "wall_seconds": 3.5, "test_return_mean": 1.25, "test_return_std": 0.5}


def test_every_number_that_a_run_writes_is_explained() -> None:
    session = advanced(config(), 8)
    written = {*session.metrics_row(), *session.evaluation_row(10)} - {"engine"}
    explained = metrics()
    assert written <= set(explained)
    assert all(metric.formula and metric.healthy for metric in explained.values())


def test_rows_are_on_disk_when_the_call_returns(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", "test", 1, "")
    logger = JsonlLogger()
    logger.begin(config(), run)
    logger.training(ROW)
    logger.evaluation(ROW)
    assert read_rows(run.metrics) == [ROW]
    assert read_rows(run.evaluations) == [ROW]


def tensorboard_of(run: RunDirectory) -> TensorBoardLogger:
    logger = TensorBoardLogger()
    logger.begin(config(), run)
    return logger


def test_tensorboard_gets_the_metrics_by_their_names(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logger = tensorboard_of(RunDirectory(tmp_path))
    logger.evaluation({**ROW, "engine": "lockstep"})
    logger.end("max_env_steps")
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    (point,) = events.Scalars("test_return_mean")
    assert (point.step, point.value) == (1_000, 1.25)


def points(run: RunDirectory, tag: str) -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.path))
    events.Reload()
    return [(point.step, point.value) for point in events.Scalars(tag)]


def test_a_resumed_run_has_every_point_in_tensorboard_once(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", "test", 1, "")
    for first in (10, 30):  # the first process writes 10 to 40, dies, and is resumed from 25
        logger = tensorboard_of(run)
        for env_steps in range(first, 50, 10):
            logger.training({"env_steps": env_steps, "loss": float(env_steps + first)})
        logger.end("interrupted")
        if first == 10:
            (path,) = run.path.glob("events.*")
            path.write_bytes(path.read_bytes()[:-3])  # torn
            logger.rewind(25)
    assert points(run, "loss") == [(10, 20.0), (20, 30.0), (30, 60.0), (40, 70.0)]
    assert len(list(run.path.glob("events.*"))) == 1


def test_events_that_are_none_are_cut_off(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", "test", 1, "")
    logger = tensorboard_of(run)
    logger.training({"env_steps": 10, "loss": 1.0})
    (path,) = run.path.glob("events.*")
    whole = path.read_bytes()
    for rubbish in (b"\xff" * 40, (5).to_bytes(8, "little") + b"abcd" + b"\xff" * 5 + b"abcd", b"\0" * 7):
        path.write_bytes(whole + rubbish)
        logger.rewind(10)
        assert path.read_bytes() == whole


@pytest.mark.parametrize("name", PRESETS)
def test_twenty_million_steps_leave_less_than_200_mb_besides_the_replay(name: str, tmp_path: Path) -> None:
    """Of rows and events as large as a warehouse's, twice as many as that."""
    made = load_config(name)
    old = Path(__file__).parents[1] / "training/folders/schema-2"
    metrics, evaluation = (read_rows(old / file)[-1] for file in ("metrics.jsonl", "eval.jsonl"))
    run = RunDirectory.create(tmp_path / "run", "test", 1, "")
    files, tensorboard = JsonlLogger(), TensorBoardLogger()
    for logger in (files, tensorboard):
        logger.begin(made, run)
    header = sum(path.stat().st_size for path in run.path.iterdir())
    for logger in (files, tensorboard):
        logger.training(metrics)
    row = sum(path.stat().st_size for path in run.path.iterdir()) - header
    for logger in (files, tensorboard):
        logger.evaluation(evaluation)
        logger.recording({"actions": [[0] * 19] * 500})
    judged = sum(path.stat().st_size for path in run.path.iterdir()) - header - row
    steps = 20_000_000
    total = steps // made.logging.every_env_steps * row + steps // made.evaluation.every_env_steps * judged
    assert 0 < 2 * total < 200e6


def test_tensorboard_shows_the_configuration_as_hparams(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    tensorboard_of(RunDirectory(tmp_path)).end("max_env_steps")
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    data = events.SummaryMetadata("_hparams_/session_start_info").plugin_data
    values = HParamsPluginData.FromString(data.content).session_start_info.hparams
    assert values["optimizer.lr"].number_value == config().optimizer.lr
    assert values["env.time_limit"].string_value == str(config().env.time_limit)


class Counting(SilentLogger):
    """Remembers what it was told of the life of a run."""

    told: list[str] = []  # noqa: RUF012, of the class: the trainer makes the logger

    def begin(self, config: RunConfig, run: RunDirectory) -> None:
        self.told.append(f"begin {run.path.name}")

    def rewind(self, env_steps: int) -> None:
        self.told.append(f"rewind {env_steps}")

    def end(self, outcome: str) -> None:
        self.told.append(f"end {outcome}")


def test_a_logger_of_ones_own_is_told_the_beginning_and_the_end(tmp_path: Path) -> None:
    made = config(training={"max_env_steps": 80}, logging={"loggers": [f"{__name__}:Counting"]})
    run = RunDirectory.create(tmp_path / "run", "test", 1, dump_toml(made))
    Counting.told.clear()
    command.train(made, run, quiet=True)
    command.resume(run, ["t_max=160"], quiet=True)
    assert Counting.told == ["begin run", "end max_env_steps", "begin run", "rewind 80", "end max_env_steps"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("nowhere", "no logger"), ("no_such_module:X", "cannot be imported"), ("json:dumps", "no class of loggers")],
)
def test_a_logger_that_is_none_is_refused_in_a_sentence(name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        build_loggers([name])


def test_a_pipe_gets_plain_lines() -> None:
    stream = io.StringIO()
    logger = LineLogger(stream)
    logger.evaluation(ROW)
    logger.checkpoint(Path("checkpoints/000000001000"), 1_000)
    logger.note("Something to know.")
    first, second, third = stream.getvalue().splitlines()
    assert "test return 1.25 ± 0.50" in first
    assert "checkpoint 000000001000" in second
    assert third == "Something to know."


def test_the_display_tells_where_the_run_stands() -> None:
    console = Console(width=80, force_terminal=False, file=io.StringIO(), record=True)
    display = ProgressDisplay(console)
    display.begin(load_config("solve"), RunDirectory(Path("runs/one")))
    display.tick(Status(env_steps=12_000_000, updates=3_000, wall_seconds=75.0, epsilon=0.7, warming_up=False))
    display.training({"return_mean": 0.75})
    display.evaluation(ROW)
    display.checkpoint(Path("x"), 11_000_000)
    display.end("max_env_steps")
    console.print(display.render())
    text = console.export_text()
    for expected in ("12.0M / 50.0M steps", "1m15s", "0.75", "0.700", "at 11.0M steps", "1.25 ± 0.50", "above 3.25"):
        assert expected in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_sparkline_spans_from_zero_to_the_highest() -> None:
    assert sparkline([0.0, 0.5, 1.0], 10) == "▁▅█"
    assert sparkline([0.0, 0.0], 10) == "▁▁"
    assert sparkline([-2.0, 0.0], 10) == "▁█"
    assert len(sparkline([1.0] * 100, 40)) == 40


def test_numbers_are_short() -> None:
    assert [compact(n) for n in (950, 12_345, 1_234_567, 250e6)] == ["950", "12.3k", "1.23M", "250M"]
    assert [clock(s) for s in (5, 65, 3_700)] == ["0m05s", "1m05s", "1h01m"]
