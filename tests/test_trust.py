"""A stranger's run folder is only data: what it names is neither imported nor called before the user allows it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import lockstep
from lockstep import trust
from lockstep.cli import main
from lockstep.config.load import dump_toml, load_config
from lockstep.config.schema import EnvConfig, RunConfig
from lockstep.envs.registry import family_of, make_env, make_vec
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory
from lockstep.training.command import check

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
TRAIN = ["train", "report-week1", "env.key=canary:world", *WORDS, "--no-doctor", "-q"]
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


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the canary's world, as somebody else has made it elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("elsewhere")
        (folder / "canary.py").write_text(CANARY)
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        forget(patch, folder)
        assert main([*TRAIN, "--out", "run"]) == 0
        untouched(folder)
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
    reader: list[str], canary: Path, theirs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(theirs, canary / "run"))
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
def test_those_who_only_look_go_on_without_it(verb: list[str], canary: Path, theirs: Path) -> None:
    run = Path(shutil.copytree(theirs, canary / "run"))
    assert main(verb if verb == ["runs"] else [verb[0], str(run), *verb[1:]]) == 0
    assert untouched(canary) == []


def test_ones_own_run_needs_no_word_wherever_it_lies(canary: Path, tmp_path: Path) -> None:
    assert main([*TRAIN, "--out", "run"]) == 0
    moved = shutil.move(canary / "run", tmp_path / "elsewhere")
    assert main(["evaluate", str(moved)]) == 0


def test_what_was_changed_since_is_asked_about(canary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TRAIN, "--out", "run"]) == 0
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
        "lbforaging:Maze-v0",
        "mpe:simple_crypto_v3",
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


def test_a_trusted_folder_may_name_what_it_wants_until_it_is_forgotten(
    canary: Path, theirs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(theirs, canary / "run"))
    assert main(["trust", str(run)]) == 0
    assert "config.toml names canary:world (without arguments)" in capsys.readouterr().out
    assert untouched(canary) == []
    assert main(["evaluate", str(run)]) == 0
    assert main(["trust", str(run), "--forget"]) == 0
    assert main(["evaluate", str(run)]) == 2
    shutil.copytree(run, "copy")
    assert main(["evaluate", "copy"]) == 2


def test_trust_is_for_the_files_of_a_folder_and_not_for_what_lies_deeper(
    canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunDirectory.create(canary / "given", "given", 1, dump_toml(load_config("report-week1", ["env.key=canary:world"])))
    assert main(["trust", "."]) == 0
    assert main(["train", "given/config.toml", *WORDS, "--no-doctor", "-q", "--out", "new"]) == 2
    shutil.copy(canary / "given" / "config.toml", canary / "own.toml")
    forget(monkeypatch, tmp_path)
    assert main(["train", "own.toml", *WORDS, "--no-doctor", "-q", "--out", "new"]) == 0


def test_where_nothing_can_be_remembered_it_is_said_and_asked_each_time(
    canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(trust.STATE_VARIABLE, str(tmp_path / "file" / "below"))
    words = ["train", "report-week1", "env.key=canary:world", *WORDS, "--no-doctor", "--out", "run"]
    assert main(words) == 0
    assert "will ask for --trust" in capsys.readouterr().out
    assert main(["evaluate", "run"]) == 2
    assert main(["evaluate", "run", "--trust"]) == 0
    assert main(["trust", "run"]) == 2


def test_what_is_remembered_in_a_file_of_nonsense_is_nothing(canary: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "trusted.jsonl").write_text('[1]\nnull\n{"value": "canary:world"}\n{"val')
    with pytest.raises(UserError, match="--trust"):
        named(canary / "other.toml", "canary:world")


def test_an_equal_name_in_another_folder_is_another_module(
    canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([*TRAIN, "--out", "run"]) == 0
    untouched(canary)
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    shutil.move(canary / "run", stranger / "run")
    shutil.move(canary / "canary.py", stranger / "canary.py")
    monkeypatch.syspath_prepend(str(stranger))
    monkeypatch.chdir(stranger)
    assert main(["evaluate", "run"]) == 2
    assert untouched(stranger) == []


def test_a_run_brings_no_code_along_even_where_it_is_trusted(
    canary: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(theirs, canary / "run"))
    shutil.move(canary / "canary.py", run / "canary.py")
    monkeypatch.syspath_prepend(str(run))
    monkeypatch.chdir(run)
    assert main(["evaluate", ".", "--trust"]) == 2
    assert "a run brings no code along" in capsys.readouterr().err
    assert untouched(run) == []


def test_a_strangers_arguments_do_not_come_along_with_a_typed_key(canary: Path) -> None:
    """A constructor's argument can be a program, as in env.arguments.file_name of a game engine."""
    words = ["env.key=canary:world", "env.arguments.steps=3"]
    (canary / "given.toml").write_text(dump_toml(load_config("report-week1", words)))
    assert main(["train", "given.toml", *WORDS, "--no-doctor", "-q", "--out", "new", "env.key=canary:world"]) == 2
    assert untouched(canary) == []
    assert main(["train", "given.toml", *WORDS, "--no-doctor", "-q", "--out", "new", "--trust"]) == 0


def test_what_a_program_says_by_itself_needs_no_word(canary: Path) -> None:
    check(RunConfig(env=EnvConfig(key="canary:world")))
    assert untouched(canary) == ["imported", "called"]


@pytest.mark.parametrize("key", ["os:system", "builtins:exec", "subprocess:run", "subprocess.Popen:x", "this:s",
                                 "canary:Path", "canary:HERE", "numpy:array", "numpy:save"])  # fmt: skip
def test_even_a_typed_key_calls_nothing_that_could_not_be_a_world(key: str, canary: Path) -> None:
    with pytest.raises(UserError, match="module of Python itself|so it is not called|cannot be made"):
        make_vec(key, 1)


def test_an_argument_cannot_change_what_is_ours(canary: Path) -> None:
    for name in ("seed", "num_envs", "engine", "workers"):
        with pytest.raises(UserError, match=f"env.arguments.{name} is no argument"):
            check(RunConfig(env=EnvConfig(key="probe-coin", arguments={name: 1})))


def test_one_place_alone_makes_worlds_from_what_is_configured() -> None:
    """Whoever passes it by would have to ask for the user's consent again, and would forget to."""
    sources = [path for path in Path(lockstep.__file__).parent.rglob("*.py") if path.name != "registry.py"]
    passing_by = [path.name for path in sources if re.search(r"make_vec\([^)]*(\.env|task)\.key", path.read_text())]
    assert passing_by == []


def named(file: Path, key: str) -> None:
    """Ask for what a file names."""
    file.write_text(dump_toml(load_config("report-week1", [f"env.key={key}"])))
    check(load_config(str(file)))


def test_a_logger_that_only_a_file_names_is_not_imported(
    canary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load_config("smoke", [*WORDS, "env.key=probe-coin", "env.arguments={}", "env.time_limit=None"])
    written = dump_toml(config).replace("loggers = []", 'loggers = ["canary:world"]')
    assert "canary" in written
    (canary / "theirs.toml").write_text(written)
    assert main(["train", "theirs.toml", "--out", str(tmp_path / "run"), "--no-doctor"]) == 2
    assert "'canary:world'" in capsys.readouterr().err
    assert not (canary / "imported").exists()
    assert main(["train", "theirs.toml", "--out", str(tmp_path / "run"), "--no-doctor", "--trust"]) == 2
    assert "no class of loggers" in capsys.readouterr().err
    assert (canary / "imported").exists()
    assert not (tmp_path / "run").exists()


def test_a_family_of_worlds_that_only_a_file_names_is_not_imported(canary: Path, tmp_path: Path) -> None:
    key, path = "canary:Worlds/3", tmp_path / "theirs.toml"
    (canary / "canary.py").write_text(CANARY + "\nfrom examples.own_family import Corridors as Worlds\n")
    path.write_text(dump_toml(RunConfig(env=EnvConfig(key=key))))
    task = load_config(str(path)).env
    for ask in (lambda: make_env(task, 1, 0), lambda: make_vec(key, 1), lambda: family_of(key)):
        with pytest.raises(UserError, match="--trust"):
            ask()
    assert not (canary / "imported").exists()
    trust.allow(path)
    assert make_env(task, 1, 0).spec.obs_dim == 6
