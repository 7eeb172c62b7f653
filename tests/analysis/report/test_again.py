"""The commands of a report make its runs again."""

import re
import shlex
from pathlib import Path

import pytest

from lockstep.analysis.groups import group_runs
from lockstep.analysis.report.settings import replicate_section
from lockstep.cli import main
from lockstep.config.words import as_word, parse_value
from lockstep.runs.directory import RunDirectory, read_rows
from tests.runs.written import written_run

SHORT = ["warmup_env_steps=0", "num_envs=2", "test_interval=480", "test_nepisode=4", "batch_size=4", "log_interval=80"]


def test_a_run_that_was_given_another_end_is_made_again_number_for_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "smoke", *SHORT, "t_max=480", "seed=3", "--no-doctor", "-q", "--out", "runs/one"]) == 0
    assert main(["resume", "runs/one", "t_max=960", "-q"]) == 0
    assert main(["report", "runs/one"]) == 0
    (block,) = re.findall(r"```sh\n(.*?)```", Path("runs/one/report.md").read_text(), re.DOTALL)
    train, report = (shlex.split(line)[1:] for line in block.splitlines())
    assert main([*train, "--no-doctor", "-q"]) == 0
    assert main(report) == 0
    first, again = (read_rows(RunDirectory(Path("runs") / name).metrics) for name in ("one", "one-again"))
    assert again[-1]["env_steps"] == 960
    for name in ("env_steps", "updates", "loss", "grad_norm", "return_mean"):
        assert [row.get(name) for row in again] == [row.get(name) for row in first]


@pytest.mark.parametrize("value", [None, True, 3, 0.25, "qmix", "7", "none", [1, 2], {"layout": "x", "n_agents": 3}])
def test_a_value_is_read_back_from_its_word(value: object) -> None:
    assert parse_value(as_word(value)) == value


def test_a_configuration_of_ones_own_is_made_again_from_its_file(tmp_path: Path) -> None:
    run = written_run(tmp_path / "mine", [1.0], name="mine")
    text = str(replicate_section(group_runs([run])).blocks)
    assert f"lockstep train {tmp_path / 'mine' / 'config.toml'} --out {tmp_path / 'mine-again'}" in text
