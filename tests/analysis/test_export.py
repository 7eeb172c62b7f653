import csv
import json
from pathlib import Path
from typing import Any

import pytest

from lockstep.analysis.export import absolute_returns, export
from lockstep.config.epymarl import epymarl_config
from lockstep.config.load import load_config
from lockstep.errors import UserError
from tests.runs.written import written_run


@pytest.mark.parametrize("preset", ["solve", "report-default", "report-final"])
def test_epymarls_words_are_understood_again(preset: str) -> None:
    config = load_config(preset, ["seed=5", "obs_last_action=False", "evaluation_epsilon=0.1"])
    told = epymarl_config(config)
    words = []
    for name, value in told.items():
        if name == "env_args":
            words += [f"env_args.{key}={_word(inner)}" for key, inner in value.items()]
            words.append(f"env.key={config.env.key}")  # rware: is in front of EPyMARL's
        else:
            words.append(f"{name}={_word(value)}")
    words.remove(f"name={told['name']}")  # EPyMARL's mixer says the same
    assert load_config("report-changed", words) == config


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_sacred_metrics_are_the_rows(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [1.0, 2.0], every=500, seconds=30, created="2026-11-23T10:00:00+00:00")
    paths = export([run], "sacred", tmp_path / "out")
    assert [path.name for path in paths] == ["config.json", "info.json", "metrics.json", "run.json", "cout.txt"]
    metrics = json.loads((tmp_path / "out" / "1" / "metrics.json").read_text())
    assert metrics["test_return_mean"] == {
        "steps": [500, 1000],
        "timestamps": ["2026-11-23T10:00:30", "2026-11-23T10:01:00"],
        "values": [1.0, 2.0],
    }
    assert metrics["loss"]["values"] == [0.1, 0.05]
    assert json.loads(paths[0].read_text())["t_max"] == run.config.training.max_env_steps
    assert json.loads(paths[3].read_text())["status"] == "COMPLETED"
    info = json.loads(paths[1].read_text())
    assert (info["test_return_mean"], info["test_return_mean_T"]) == ([1.0, 2.0], [500, 1000])
    assert "loss=0.05" in paths[4].read_text().splitlines()[-1]


def test_marl_eval_holds_every_evaluation_and_the_absolute_metric(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [1.0, 2.0], every=500, seconds=30, seed=4)
    returns = [float(index % 5) for index in range(1_000)]
    run.directory.add_judgement({"env_steps": 1000, "checkpoint": "best", "returns": [9.0] * 100})
    run.directory.add_judgement({"env_steps": 1000, "checkpoint": "best", "returns": [*returns, 9.0]})
    (path,) = export([run], "marl-eval", tmp_path / "out")
    told = json.loads(path.read_text())["rware"]["rware-tiny-2ag-v2-40"]["smoke"]["seed_4"]
    assert told["step_1"] == {"step_count": 1000, "elapsed_time": 60.0, "return": [2.0]}
    assert told["absolute_metrics"]["return"] == returns


def test_marl_eval_reads_runs_that_stopped_at_different_times(tmp_path: Path) -> None:
    lengths = {1: [1.0, 2.0, 3.0], 2: [4.0, 5.0]}
    runs = [written_run(tmp_path / str(seed), returns, seed=seed) for seed, returns in lengths.items()]
    for run, returns in zip(runs, lengths.values(), strict=True):
        steps = 1000 * len(returns)
        run.directory.add_judgement({"env_steps": steps, "checkpoint": "best", "returns": [1.0] * 1000})
    (path,) = export(runs, "marl-eval", tmp_path / "out")
    told = json.loads(path.read_text())["rware"]["rware-tiny-2ag-v2-40"]["smoke"]
    assert [list(run) for run in told.values()] == [["step_0", "step_1", "absolute_metrics"]] * 2
    assert [run["step_1"]["return"] for run in told.values()] == [[2.0], [5.0]]


def test_the_absolute_metric_takes_ten_times_the_episodes_of_the_present_best(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [1.0])
    run.directory.add_judgement({"env_steps": 1000, "checkpoint": "best", "returns": [1.0] * 1000})
    run.directory.add_judgement({"env_steps": 2000, "checkpoint": "best", "returns": [2.0] * 999})
    assert absolute_returns(run) is None
    with pytest.raises(UserError, match="has no absolute metric yet: `lockstep evaluate .* --episodes 1000`"):
        export([run], "marl-eval", tmp_path / "out")


def test_two_runs_of_one_seed_cannot_both_be_told(tmp_path: Path) -> None:
    runs = [written_run(tmp_path / name, [1.0]) for name in "ab"]
    for run in runs:
        run.directory.add_judgement({"env_steps": 1000, "checkpoint": "best", "returns": [1.0] * 1000})
    with pytest.raises(UserError, match="have the same seed 1"):
        export(runs, "marl-eval", tmp_path / "out")


def test_csv_holds_all_runs_below_one_another(tmp_path: Path) -> None:
    runs = [written_run(tmp_path / str(seed), [1.0, 2.5], seed=seed) for seed in (1, 2)]
    evaluations, metrics = export(runs, "csv", tmp_path / "out")
    with evaluations.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["run"], row["seed"], row["env_steps"], row["test_return_mean"]) for row in rows] == [
        ("1", "1", "1000", "1"),
        ("1", "1", "2000", "2.5"),
        ("2", "2", "1000", "1"),
        ("2", "2", "2000", "2.5"),
    ]
    assert "target_mean" in metrics.read_text().splitlines()[0]


def test_runs_of_one_name_get_folders_of_their_own(tmp_path: Path) -> None:
    runs = [written_run(tmp_path / place / "run", [1.0]) for place in "ab"]
    folders = {path.parent.name for path in export(runs, "sacred", tmp_path / "out")}
    assert folders == {"1", "2"}
    assert {path.parent.name for path in export(runs, "sacred", tmp_path / "out")} == {"1", "2"}


def plotted_together(config: dict[str, Any]) -> tuple[Any, ...]:
    """By what EPyMARL's plots tell worlds and algorithms apart."""
    arguments = config["env_args"]
    world = f"{config['env']}_{arguments['key']}"
    return str(arguments), world, config["common_reward"], config["reward_scalarisation"], config["name"]


THEIRS = {"key": "rware:rware-tiny-2ag-v2", "pretrained_wrapper": None, "time_limit": 100}


@pytest.mark.parametrize("limit", ["100", "None"])
def test_epymarls_plots_group_their_runs_and_ours(limit: str, tmp_path: Path) -> None:
    theirs: dict[str, Any] = {
        "env": "gymma",
        "env_args": {**THEIRS, "time_limit": 500 if limit == "None" else 100},
        "name": "qmix",
    }
    theirs |= {"common_reward": True, "reward_scalarisation": "sum"}
    run = written_run(
        tmp_path / "run", [1.0], words=["env.key=rware-tiny-2ag-v2", "env.arguments={}", f"env.time_limit={limit}"]
    )
    (path, *_) = export([run], "sacred", tmp_path / "out")
    assert plotted_together(json.loads(path.read_text())) == plotted_together(theirs)


def test_refusals_are_sentences_and_write_nothing(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", [1.0])
    with pytest.raises(UserError, match="must be sacred, marl-eval, csv"):
        export([run], "xlsx", tmp_path / "out")
    with pytest.raises(UserError, match="empty has written no numbers yet"):
        export([run, written_run(tmp_path / "empty")], "csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()
