"""The number of shares shows in the last digits of a run, so it keeps it wherever it goes on."""

from pathlib import Path

import pytest

from lockstep.config.load import dump_toml, load_config
from lockstep.runs.directory import RunDirectory
from lockstep.runs.loggers import SilentLogger
from lockstep.training.trainer import resume, train
from tests.training.faults import TINY


@pytest.mark.parametrize("there", [1, 4])
def test_a_run_keeps_its_number_of_shares_on_another_machine(
    there: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockstep.algorithms.fast.shares.cores", lambda: 2)
    words = [*TINY, "replay.batch_size=32", "training.num_threads=0"]
    made = load_config("smoke", [*words, "t_max=160"])
    run = RunDirectory.create(tmp_path / "run", "test", 1, dump_toml(made))
    train(made, run, [])
    assert run.read_info()["shares"] == 2
    run.config.write_text(dump_toml(load_config("smoke", [*words, "t_max=320"])))
    for place in ("algorithms.fast.shares.cores", "training.trainer.cores"):
        monkeypatch.setattr(f"lockstep.{place}", lambda: there)
    told: list[str] = []
    logger = SilentLogger()
    monkeypatch.setattr(logger, "note", told.append)
    resume(run, [logger])
    assert run.read_info()["shares"] == 2
    assert any("2 processes share every update" in note for note in told) == (there == 1)
