"""A stranger's run folder is only data: what it names is neither imported nor called before the user allows it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstep import trust
from lockstep.cli import main
from lockstep.config.load import dump_toml, load_config
from lockstep.runs.directory import RunDirectory

CANARY = """
from pathlib import Path
HERE = Path(__file__).parent
(HERE / "imported").write_text("")
from tests.envs.foreign.games import Unequal

def world(**arguments):
    (HERE / "called").write_text(repr(arguments))
    return Unequal(**arguments)
"""
WORDS = [
    "algorithm.name=iql", "collection.num_envs=2", "replay.batch_size=4", "hidden_dim=4", "evaluation.episodes=2",
    "evaluation.every_env_steps=40", "checkpoint.every_env_steps=40", "logging.every_env_steps=40",
    "logging.tensorboard=false", "training.num_threads=1", "training.max_env_steps=80",
]  # fmt: skip
READERS = [
    ["evaluate", "RUN"],
    ["evaluate", "RUN", "--policy", "random"],
    ["resume", "RUN", "t_max=120"],
    ["render", "RUN", "--out", "film.gif"],
    ["export", "RUN", "--format", "marl-eval"],
    ["train", "RUN/config.toml"],
    ["train", "RUN"],
    ["doctor", "RUN/config.toml"],
]


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's working folder, with a module in it that says when it is imported or called; nothing is allowed."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "canary.py").write_text(CANARY)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    forget(monkeypatch, tmp_path)
    yield folder
    __import__("sys").modules.pop("canary", None)


def forget(monkeypatch: pytest.MonkeyPatch, state: Path) -> None:
    """As in a new process of a user who has allowed nothing."""
    monkeypatch.setenv(trust.STATE_VARIABLE, str(state / "state"))
    monkeypatch.setattr(trust, "_told", {})
    monkeypatch.setattr(trust, "_allowed", set())


def trained(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A run of the canary's world, as somebody else has made it elsewhere."""
    assert main(["train", "report-week1", "env.key=canary:world", *WORDS, "--no-doctor", "-q", "--out", "run"]) == 0
    untouched(folder)
    shutil.rmtree(tmp_path / "state")
    forget(monkeypatch, tmp_path)
    return folder / "run"


def untouched(folder: Path) -> list[str]:
    """What the canary has said since it was last asked."""
    said = [name for name in ("imported", "called") if (folder / name).exists()]
    for name in said:
        (folder / name).unlink()
    __import__("sys").modules.pop("canary", None)
    return said


@pytest.mark.parametrize("reader", READERS, ids=" ".join)
def test_a_strangers_world_is_neither_imported_nor_called_and_then_allowed(
    reader: list[str], canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained(canary, monkeypatch, tmp_path)
    words = [word.replace("RUN", str(run)) for word in reader]
    assert main(words) == 2
    assert untouched(canary) == []
    said = capsys.readouterr().err
    assert "'canary:world'" in said
    assert "--trust" in said
    if reader[0] in ("evaluate", "resume"):
        assert main([*words, "--trust"]) == 0
        assert untouched(canary) == ["imported", "called"]


@pytest.mark.parametrize("verb", [["report"], ["watch", "--terminal"], ["doctor"], ["plot"], ["export"], ["runs"]])
def test_those_who_only_look_go_on_without_it(
    verb: list[str], canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained(canary, monkeypatch, tmp_path)
    assert main(verb if verb == ["runs"] else [verb[0], str(run), *verb[1:]]) == 0
    assert untouched(canary) == []


def test_ones_own_run_needs_no_word_wherever_it_lies(
    canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["train", "report-week1", "env.key=canary:world", *WORDS, "--no-doctor", "-q", "--out", "run"]) == 0
    moved = shutil.move(canary / "run", tmp_path / "elsewhere")
    assert main(["evaluate", str(moved)]) == 0


def test_what_was_changed_since_is_asked_about(
    canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "report-week1", "env.key=canary:world", *WORDS, "--no-doctor", "-q", "--out", "run"]) == 0
    untouched(canary)
    config = canary / "run" / "config.toml"
    config.write_text(config.read_text().replace("[env.arguments]", "[env.arguments]\nsteps = 3"))
    assert main(["evaluate", "run"]) == 2
    assert untouched(canary) == []
    assert "--trust" in capsys.readouterr().err


@pytest.mark.parametrize(
    "key",
    [
        "canary:world",
        "os:system",
        "builtins:exec",
        "subprocess:run",
        "lbforaging:Foraging-5x5-2p-1f-v3",
        "mpe:simple_tag_v3",
        "pz-sisl-pursuit-v5",
        "CartPole-v1",
    ],
)
def test_every_key_of_a_file_that_is_not_our_own_is_asked_about(key: str, canary: Path) -> None:
    config = load_config("report-week1", [f"env.key={key}"])
    run = RunDirectory.create(canary / "given", "given", 1, dump_toml(config))
    assert main(["evaluate", str(run.path)]) == 2
    assert main(["train", str(run.config), "--no-doctor", "-q", "--out", "new"]) == 2
    assert untouched(canary) == []
