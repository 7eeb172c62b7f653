"""Only plain files of a bounded size are read or written, whatever lies where a run's file should."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockstep.config.load import dump_toml, load_config
from lockstep.envs.registry import make_vec
from lockstep.errors import UserError
from lockstep.files import NotPlainError, open_regular, open_to_append, read_regular
from lockstep.runs.directory import RunDirectory, read_rows, write_atomically
from lockstep.runs.loggers import JsonlLogger, TensorBoardLogger
from lockstep.runs.reader import RunReader
from lockstep.runs.rows import Rows
from tests.training.faults import NOT_PLAIN, put


@pytest.fixture(autouse=True)
def _limited() -> Iterator[None]:
    """What would be waited for for ever fails."""

    def hang(number: int, frame: Any) -> None:
        raise AssertionError("it waits")

    signal.signal(signal.SIGALRM, hang)
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    made = RunDirectory.create(tmp_path / "run", "test", 1, dump_toml(load_config("smoke")))
    for path in (made.metrics, made.evaluations, made.recordings, made.judgements):
        path.write_text('{"env_steps": 10, "test_return_mean": 1.0, "checkpoint": "best"}\n')
    return made


@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_what_is_no_plain_file_is_neither_read_nor_written(kind: str, tmp_path: Path) -> None:
    put(kind, tmp_path / "file", tmp_path)
    with pytest.raises(NotPlainError):
        open_regular(tmp_path / "file", 2**20)
    if kind != "8 GB":
        with pytest.raises(NotPlainError):
            open_to_append(tmp_path / "file")


def test_a_plain_file_is_read_to_its_limit_and_no_further(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_regular(tmp_path / "file", 5) == b"12345"
    with pytest.raises(NotPlainError, match="5 bytes, and at most 4 are read"):
        read_regular(tmp_path / "file", 4)


def test_a_link_is_followed_where_the_user_typed_it(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("seed = 7\n")
    (tmp_path / "link.toml").symlink_to(tmp_path / "mine.toml")
    assert load_config(str(tmp_path / "link.toml")).seed == 7


@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_every_file_of_a_run_may_be_anything(kind: str, run: RunDirectory, tmp_path: Path) -> None:
    for path in (run.info, run.lock, run.metrics, run.evaluations, run.recordings, run.judgements):
        put(kind, path, tmp_path)
        assert read_rows(path) == []
        rows = Rows(path)
        rows.refresh()
        assert len(rows) == 0
    record = RunReader.open(run.path)
    assert record.info == {}
    assert record.standing == "unknown"
    assert record.num_agents is None
    put(kind, run.config, tmp_path)
    with pytest.raises(UserError):
        load_config(str(run.path))


@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_nothing_that_a_training_writes_waits(kind: str, run: RunDirectory, tmp_path: Path) -> None:
    config = load_config(str(run.path))
    put(kind, run.metrics, tmp_path)
    put(kind, run.path / "events.out.tfevents.1.lockstep", tmp_path)
    put(kind, run.path / ".run.json.writing", tmp_path)
    for logger in (JsonlLogger(), TensorBoardLogger()):
        logger.begin(config, run)
        with pytest.raises(UserError):
            logger.rewind(10)
    if kind == "folder":
        with pytest.raises((IsADirectoryError, PermissionError)):
            write_atomically(run.info, "{}")
    else:
        write_atomically(run.info, "{}")
    put(kind, run.lock, tmp_path)
    if kind != "8 GB":
        with pytest.raises(UserError), run.locked():
            pass


def test_a_text_may_begin_with_a_mark(run: RunDirectory, tmp_path: Path) -> None:
    """Some editors put one there."""
    mine = tmp_path / "mine.toml"
    mine.write_bytes(b"\xef\xbb\xbf" + run.config.read_bytes())
    run.config.write_bytes(mine.read_bytes())
    assert load_config(str(run.path)) == load_config(str(mine)) == load_config("smoke")
    layout = "\ufeff.x.\n.x.\n.g."
    assert make_vec("rware-tiny-2ag-v2", 1, layout=layout, request_queue_size=1).spec.num_agents == 2
