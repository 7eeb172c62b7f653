"""EPyMARL's configurations: those that it ships, and those that sacred wrote, word by word."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from lockstep.cli import main
from lockstep.config.load import dump_toml, load_config
from lockstep.config.sacred import read_sacred, told
from lockstep.errors import UserError

KEY = "env_args.key=rware:rware-tiny-2ag-v2"


def sacred(folder: Path, **words: Any) -> Path:
    """A config.json as sacred leaves it, with some of the words that every one has."""
    arguments = {"key": "rware:rware-tiny-2ag-v2", "pretrained_wrapper": None, "time_limit": 100}
    said = {
        "agent": "rnn", "name": "qmix", "mixer": "qmix", "use_rnn": False, "mac": "basic_mac", "batch_size_run": 1,
        "env": "gymma", "lr": 0.0005, "hidden_dim": 64, "standardise_rewards": True, "optim_eps": 1e-05,
        "log_interval": 1000, "runner_log_interval": 200, "seed": 7, "t_max": 15000, "env_args": arguments, **words,
    }  # fmt: skip
    path = folder / "config.json"
    path.write_text(json.dumps(said))
    return path


@pytest.mark.parametrize(
    "words",
    [
        ["--config=qmix", "--env-config=gymma", "with", KEY, "t_max=3000"],
        ["with", "t_max=3000", "--env-config=gymma", KEY, "--config=qmix"],
        ["src/main.py", "--config", "qmix", "with", KEY, "t_max=3000", "--env-config", "gymma"],
        ["epymarl/qmix", KEY, "t_max=3000"],
    ],
)
def test_epymarls_command_line_means_the_same_in_any_order(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", *words]) == 0
    printed = tomllib.loads(capsys.readouterr().out)
    assert printed["training"]["max_env_steps"] == 3000
    assert (printed["env"]["key"], printed["env"]["time_limit"]) == ("rware:rware-tiny-2ag-v2", 100)
    assert printed["network"]["recurrent"] is False
    assert printed["algorithm"]["standardize_rewards"]
    assert not printed["algorithm"]["bootstrap_time_limit"]


def test_what_epymarl_ships_for_iql_is_wider_and_slower() -> None:
    config = load_config("epymarl/iql", [KEY])
    assert (config.network.hidden_dim, config.optimizer.lr, config.network.recurrent) == (128, 3e-4, True)
    assert config.exploration.epsilon_anneal_env_steps == 200_000


def test_without_sharing_is_ns() -> None:
    config = load_config("epymarl/vdn_ns", [KEY])
    assert (config.network.sharing, config.network.agent_id, config.algorithm.name) == ("none", False, "vdn")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--config=qmix", "--env-config=gymma"], "name no world: add env_args.key="),
        (["--config=qtran", "--env-config=gymma", KEY], "'qtran' is not here; there are qmix, vdn, iql"),
        (["--config=qmix", "--env-config=sc2", KEY], "--env-config=sc2 is not here"),
        (["--env-config=gymma", KEY], "--config is missing"),
        ([], "Say what to start from"),
    ],
)
def test_what_is_missing_is_a_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_a_file_of_sacreds_becomes_toml_and_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sacred(tmp_path)
    assert main(["config", str(path)]) == 0
    said = capsys.readouterr().out
    (tmp_path / "mine.toml").write_text(said)
    assert load_config(str(tmp_path / "mine.toml")) == load_config(str(path))
    assert "#   lr -> optimizer.lr = 0.0005" in said
    assert "network.recurrent = true" not in said  # use_rnn decides, agent=rnn is overruled
    assert "logging.every_env_steps = 1000" not in said  # the smallest interval counts
    meaningless = said[said.index("# Meaningless") : said.index("# Taken, and different")]
    assert {"agent", "optim_eps", "env"} <= set(meaningless.replace(",", " ").split())
    assert "use_rnn=False: EPyMARL's agent=rnn is then a feed-forward network" in said
    assert "batch_size_run" not in said[said.index("# Taken, and different") :]  # 1 is no difference


def test_a_configuration_is_the_one_that_its_export_tells(tmp_path: Path) -> None:
    from lockstep.config.epymarl import epymarl_config

    for words in ([], ["mixer=vdn", "network.sharing=none"], ["mixer=None", "use_rnn=False", "td_lambda=0.5"]):
        config = load_config("report-default", words)
        path = tmp_path / "config.json"
        path.write_text(json.dumps(epymarl_config(config)))
        assert dump_toml(load_config(str(path))).replace("rware:rware", "rware") == dump_toml(config)


def test_what_is_not_here_is_told_and_never_trained_without_a_word(tmp_path: Path) -> None:
    path = sacred(tmp_path, standardise_returns=True, common_reward=False, obs_explo=True)
    assert set(read_sacred(path).refused) == {"standardise_returns", "common_reward", "obs_explo"}
    with pytest.raises(UserError, match="only rewards can be standardized"):
        load_config(str(path))
    asked = ["standardise_returns=False", "common_reward=True"]
    with pytest.raises(UserError, match="There is no setting 'obs_explo'"):
        load_config(str(path), asked)


def test_an_algorithm_that_is_not_here_becomes_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sacred(tmp_path, name="coma")
    said = {word: value for word, value in json.loads(path.read_text()).items() if word != "mixer"}
    path.write_text(json.dumps(said))
    assert main(["config", str(path)]) == 2
    out, err = capsys.readouterr()
    assert (out, "name=coma is an algorithm that is not here" in err) == ("", True)
    assert load_config(str(path), ["mixer=vdn"]).algorithm.name == "vdn"


def test_a_seed_of_the_wrapper_and_a_path_are_not_taken_for_settings() -> None:
    arguments = {"key": "rware-tiny-2ag-v2", "seed": 3, "layout": "@/etc/passwd"}
    assert told({"name": "vdn", "env_args": arguments}).changes["env.arguments.layout"] == "@/etc/passwd"


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"lr": 1}', "[" * 100_000])
def test_a_file_that_is_none_of_sacreds_is_a_sentence(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UserError, match="is no configuration of EPyMARL's"):
        load_config(str(tmp_path / "config.json"))
