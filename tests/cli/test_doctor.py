"""The doctor as a person calls it."""

import json
from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.config.load import load_config
from tests.cli.test_cli import TINY_RUN, refused

RECORDED = Path(__file__).parents[1] / "doctor" / "recorded"
SICK = ["smoke", "lr=0.5", "t_max=150_000"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_before_a_run_it_says_what_is_wrong_and_what_helps(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *SICK]) == 0
    out = capsys.readouterr().out
    assert "This will almost surely not learn." in out
    assert "lr=0.001" in out
    assert "lockstep doctor --explain learning-rate-too-high" in out
    assert list(here.iterdir()) == []


def test_a_finding_is_explained_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--explain", "too-few-rewards"]) == 0
    assert "random team delivers once" in " ".join(capsys.readouterr().out.split())
    assert "did you mean 'too-few-rewards'?" in refused(["doctor", "--explain", "few-rewards"], capsys)


def test_it_writes_a_configuration_that_it_finds_nothing_in(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *SICK, "--fix", "better.toml", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["verdict"] == "will not learn"
    assert row["fix"]["verdict"] == "can learn"
    assert load_config("better.toml") == load_config(SICK[0], [*SICK[1:], *row["fix"]["overrides"]])
    assert "is there already" in refused(["doctor", *SICK, "--fix", "better.toml"], capsys)


def test_a_run_is_judged_by_what_it_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(RECORDED / "dead")]) == 0
    assert "of the hidden units are dead" in " ".join(capsys.readouterr().out.split())
    assert main(["doctor", str(RECORDED / "healthy"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
    assert main(["doctor", str(RECORDED / "healthy")]) == 0
    assert "No finding" in capsys.readouterr().out


def test_a_world_is_judged_by_its_promises(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "env", "probe-coin", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["conforms"]
    assert main(["doctor", "env", "probe-coin"]) == 0
    assert "keeps its promises" in capsys.readouterr().out


def test_training_begins_with_a_verdict_and_tells_what_it_notices(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*TINY_RUN, "lr=0.2", "t_max=4_000", "test_interval=800", "log_interval=400"]
    assert main(["train", "smoke", *words]) == 0
    out = capsys.readouterr().out
    assert out.startswith("doctor This will almost surely not learn.")
    assert "lr 0.2 is too large" in out
    assert main(["train", "smoke", *words, "--no-doctor"]) == 0
    assert "almost surely" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["doctor"], "Say what to look at"),
        (["doctor", "nothing"], "neither a folder nor the beginning"),
        (["doctor", "nowhere.toml"], "There is no file nowhere.toml"),
        (["doctor", "smoke", "gama=1"], "There is no setting 'gama'"),
        (["doctor", "latest", "lr=1"], "overrides and --fix are for what comes next"),
        (["doctor", "env"], "Name an environment"),
        (["doctor", "env", "chess"], "'chess'"),
        (["doctor", "smoke", "--fix", "nowhere/better.toml"], "cannot be written"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: list[str], sentence: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(arguments, capsys)
    assert list(here.iterdir()) == []
