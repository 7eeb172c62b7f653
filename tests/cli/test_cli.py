"""The command as a person uses it: what it prints, where it leaves things, how it refuses."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from typer.models import ArgumentInfo, OptionInfo

from lockstep.analysis.curves import CLOCKS
from lockstep.analysis.export import FORMATS
from lockstep.cli import app, main
from lockstep.cli.report import TEAM_FORMATS
from lockstep.cli.reproduce import BENCHMARK
from lockstep.config.load import load_config
from lockstep.drawing.palette import THEMES
from lockstep.envs.registry import OURS, make_vec
from lockstep.reproduce.plan import EXPERIMENTS, Mode, Scale
from lockstep.runs.followers import FOLLOWERS
from lockstep.teams.demo import DEMO_TEAMS
from lockstep.teams.play import ENGINES, POLICIES

Completion = Callable[[str], list[str]]

TINY_RUN = [
    "env.key=probe-coin",
    "env.arguments={}",
    "env.time_limit=None",
    "num_envs=8",
    "warmup_env_steps=0",
    "replay.segment_steps=0",
    "batch_size=16",
    "t_max=400",
    "test_interval=80",
    "test_nepisode=10",
    "save_model_interval=160",
    "log_interval=80",
    "updates_per_collection=1",
]


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence with which a command is refused: exit code 2, nothing on stdout, no traceback."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("lockstep: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def trained(here: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A small finished run."""
    assert main(["train", "smoke", "with", *TINY_RUN, "-q", "--out", "runs/first"]) == 0
    assert capsys.readouterr().out == ""
    return here / "runs" / "first"


def test_a_run_leaves_everything_a_reader_needs(trained: Path) -> None:
    assert {"config.toml", "run.json", "metrics.jsonl", "eval.jsonl", "checkpoints"} <= {
        path.name for path in trained.iterdir()
    }
    info = json.loads((trained / "run.json").read_text())
    assert (info["status"], info["seed"], info["schema_version"]) == ("finished", 1, 1)
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [row["env_steps"] for row in rows] == [80, 160, 240, 320, 400]
    assert {"return_mean", "loss", "grad_norm", "q_taken_mean", "target_mean", "epsilon", "updates"} <= set(rows[-1])
    checkpoints = ["000000000320", "000000000400", "best", "replay"]
    assert sorted(path.name for path in (trained / "checkpoints").iterdir()) == checkpoints
    assert not (trained / ".lock").exists()
    assert any(path.name.startswith("events.") for path in trained.iterdir())


def test_json_output_is_one_object(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "smoke", *TINY_RUN, "--json"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["env_steps"] == 400
    assert outcome["stopped_because"] == "max_env_steps"
    assert outcome["run"].startswith("runs/smoke-s1-")


def test_evaluate_prints_the_numbers_scripts_need(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "latest", "--episodes", "30", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert {"test_return_mean", "test_return_std", "episodes", "engine", "env_steps"} <= set(row)
    assert (row["episodes"], row["engine"]) == (30, "lockstep")
    assert main(["evaluate", "fir", "--episodes", "30"]) == 0
    assert "30 greedy episodes" in capsys.readouterr().out
    assert main(["evaluate", "fir", "--episodes", "30", "--choice", "sampled"]) == 0
    assert "30 sampled episodes" in capsys.readouterr().out


def test_a_run_that_reached_its_end_can_be_given_more(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "smoke", *TINY_RUN, "t_max=480", "-q", "--out", "runs/whole"]) == 0
    capsys.readouterr()
    assert main(["resume", "first", "t_max=480", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["env_steps"] == 480
    policies = [path / "checkpoints" / "000000000480" / "policy.pt" for path in (trained, trained.with_name("whole"))]
    assert policies[0].read_bytes() == policies[1].read_bytes()
    assert load_config(str(trained / "config.toml")).training.max_env_steps == 480


def test_only_a_runs_end_can_be_moved(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (trained / "config.toml").read_bytes()
    assert main(["resume", "first", "lr=0.5"]) == 2
    assert "keeps its optimizer.lr; only training.max_env_steps and" in capsys.readouterr().err
    assert main(["resume", "first", "t_max=never"]) == 2
    assert (trained / "config.toml").read_bytes() == before


def test_config_prints_toml_that_trains(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "smoke", *TINY_RUN]) == 0
    printed = capsys.readouterr().out
    assert tomllib.loads(printed)["replay"]["batch_size"] == 16
    (here / "mine.toml").write_text(printed)
    assert main(["train", "mine.toml", "-q", "--out", "mine"]) == 0


def test_lists_are_printed_for_people_and_for_scripts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in (["presets"], ["envs", "probe"], ["runs"]):
        assert main(verb) == 0
        assert capsys.readouterr().out
        assert main([*verb, "--json"]) == 0
        assert isinstance(json.loads(capsys.readouterr().out), list)


def test_the_name_alone_says_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out = capsys.readouterr().out
    assert "lockstep train smoke" in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_worlds_are_explained_on_a_page_with_keys_that_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["envs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 40
    shown = " ".join(lines)
    for family in OURS:
        for key in family.keys:
            assert key in shown
            assert make_vec(key, 1).spec.num_agents >= 1


def test_a_program_is_judged_on_a_floor_of_ones_own_without_a_run(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("floor.txt").write_text(".....\n.x.x.\n.x.x.\n..g..\n")
    verb = ["evaluate", "--env", "rware-tiny-2ag-v2", "layout=@floor.txt", "--policy", "heuristic", "--episodes", "4"]
    assert main(verb) == 0
    out = capsys.readouterr().out
    assert "heuristic team, 4 x 5 floor, 2 robots: judged return" in out
    assert "deliveries an hour" in out


def test_verify_reports_what_was_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "rware", "--steps", "600", "--keys", "rware-tiny-2ag-v2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["steps"], report["differences"]) == (600, 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "sovle"], "Did you mean 'solve'"),
        (["train", "smoke", "gama=1"], "There is no setting 'gama'"),
        (["train", "smoke", "gamma=much"], "must be a number"),
        (["train", "nowhere.toml"], "There is no file nowhere.toml"),
        (["train", "smoke", "env.key=rware-tiny-25ag-v2"], "asks for 25 "),
        (["train", "smoke", "env.key=rware-huge-2ag-v2"], "rware-huge-2ag-v2"),
        (["train", "smoke", "env.key=chess", "env.arguments={}"], "'chess'"),
        (["train", "smoke", "num_envs=-3"], "must be at least 1"),
        (["train", "smoke", "env_args.colour=3"], "'colour'"),
        (["train"], "Say what to start from"),
        (["train", "smoke", "--fast"], "No such option"),
        (["fly"], "No such command"),
        (["resume", "nothing"], "neither a folder nor the beginning"),
        (["resume", "."], "is no run directory"),
        (["evaluate", "latest"], "There is no run in runs/ yet"),
        (["evaluate", "latest", "--choice", "lucky"], "must be greedy or sampled"),
        (["evaluate", "latest", "--choice", "greedy", "--policy", "random"], "is for a trained policy"),
        (["evaluate", "latest", "--engine", "warp"], "must be lockstep or official"),
        (["evaluate", "latest", "--policy", "lucky"], "must be trained, random or heuristic"),
        (["evaluate", "latest", "--episodes", "few"], "Input should be a valid integer"),
        (["config", "smoke", "seed"], "write key=value"),
        (["train", "smoke", "use_cuda=True"], "needs a GPU"),
        (["train", "smoke", "env.time_limit=None", "env.arguments.max_steps=0"], "set env.time_limit"),
        (["bench", "coffee"], "no benchmark 'coffee'"),
        (["verify", "chess"], "no official package to compare 'chess' with"),
        (["verify", "rware", "--keys", "nothing"], "No warehouse key matches"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    arguments: list[str], sentence: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(arguments, capsys)
    assert list(here.iterdir()) == []


def test_a_folder_in_use_is_not_overwritten(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (trained / "metrics.jsonl").read_bytes()
    assert "is not empty" in refused(["train", "smoke", "--out", str(trained)], capsys)
    assert (trained / "metrics.jsonl").read_bytes() == before


def test_no_episodes_is_no_evaluation(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "at least 1" in refused(["evaluate", "latest", "--episodes", "0"], capsys)


def test_there_is_no_official_package_for_a_probe(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "leave time_limit, engine" in refused(["evaluate", "latest", "--engine", "official"], capsys)


def test_a_verb_more_shows_in_the_help_behind_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    @app.command("juggle")
    def _juggle() -> None:
        """Keep three shelves in the air."""

    try:
        assert main(["--help"]) == 0
    finally:
        app.registered_commands.pop()
    shown = capsys.readouterr().out
    assert shown.index("selftest") < shown.index("juggle")


def test_importing_lockstep_and_asking_for_help_load_nothing_heavy() -> None:
    script = (
        "import sys, lockstep.cli as cli; cli.main(['--help']);"
        "heavy = {'torch', 'numba', 'matplotlib', 'gymnasium', 'rware'} & set(sys.modules); sys.exit(len(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Train, understand and show" in done.stdout


@pytest.mark.parametrize("moment", ["an import", "afterwards"])
def test_ctrl_c_ends_a_command_also_where_a_library_that_is_imported_forgets_it(moment: str, tmp_path: Path) -> None:
    forgetful = "import signal\ntry: signal.raise_signal(signal.SIGINT)\nexcept BaseException: pass\n"
    (tmp_path / "forgetful.py").write_text(forgetful)
    work = "import forgetful" if moment == "an import" else "signal.raise_signal(signal.SIGINT)"
    command = [sys.executable, "-c", CTRL_C.format(work=work)]
    ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (130, "")


CTRL_C = """
import signal, sys
from lockstep.__main__ import run

def main():
    {work}
    print("it went on")

import lockstep.cli
lockstep.cli.main = main
try:
    run()
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_the_installed_command_answers() -> None:
    command = [sys.executable, "-m", "lockstep"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("lockstep ")
    assert subprocess.run([*command, "train", "sovle"], capture_output=True, check=False).returncode == 2


def test_runs_says_how_large_each_is(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["MB"] == sum(path.stat().st_size for path in trained.rglob("*") if path.is_file()) / 1e6


def test_names_that_are_no_text_are_printed_all_the_same(trained: Path) -> None:
    trained.rename(trained.with_name("\udcff\udcfe"))  # bytes that no encoding knows, as the system hands them over
    done = subprocess.run([sys.executable, "-m", "lockstep", "runs"], capture_output=True, text=True, check=True)
    assert "\\udcff\\udcfe" in done.stdout


def test_a_place_that_cannot_be_written_is_a_sentence(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (trained.parent / "file").write_text("")
    assert "Not a directory" in refused(["export", "first", "--out", "runs/file/below"], capsys)


def test_the_shell_completes_settings_keys_and_themes() -> None:
    from lockstep.cli.app import choices, complete_keys, complete_words

    assert {"optimizer.lr=", "optimizer.eps=", "optimizer.grad_norm_clip="} <= set(complete_words("optimizer."))
    assert {"lr=", "lr_finish="} <= set(complete_words("lr"))
    assert "epsilon_anneal_time=" in complete_words("epsilon_an")
    assert "env.key=rware-tiny-2ag-v2" in complete_words("env.key=rware-tiny-2")
    assert complete_words("lr=0.0") == []
    assert complete_words("algorithm=m") == ["algorithm=mappo", "algorithm=maa2c"]
    assert complete_words("epsilon_schedule=") == ["epsilon_schedule=linear", "epsilon_schedule=exponential"]
    assert complete_words("network.recurrent=t") == ["network.recurrent=true"]
    assert "rware-small-4ag-v2" in complete_keys("rware-small")
    assert choices("light", "dark")("d") == ["dark"]


OPEN = {
    "within", "memory", "partition", "account", "address", "host", "token",
    "title", "keys", "text", "name", "tag", "filter_", "tasks", "algorithms",
}  # fmt: skip
"""What is a number, a time, an address, a list, or free text, though it is written as text."""


def completions() -> dict[tuple[str, str], tuple[ArgumentInfo | OptionInfo, Completion | None]]:
    """What every verb takes as text: how that is declared, and what completes it."""
    found = {}
    for command in app.registered_commands:
        assert command.callback is not None
        for name, hint in get_type_hints(command.callback, include_extras=True).items():
            for info in getattr(hint, "__metadata__", ()):
                if re.search(r"\bstr\b", str(get_args(hint)[0])):
                    found[command.callback.__name__, name] = info, info.autocompletion
    return found


def test_every_word_that_is_one_of_a_few_is_completed() -> None:
    assert {name for (_, name), (_, complete) in completions().items() if complete is None} == OPEN


def test_what_completes_is_what_the_help_names() -> None:
    for place, (info, complete) in completions().items():
        if complete is not None and complete.__qualname__.startswith("choices."):
            assert [word for word in complete("") if word.rstrip("=") not in f"{info.help} {info.metavar}"] == [], place


@pytest.mark.parametrize(
    ("verb", "name", "known"),
    [
        ("sync", "to", FOLLOWERS),
        ("plot", "over", CLOCKS),
        ("export", "file_format", (*TEAM_FORMATS, *FORMATS)),
        ("render", "theme", THEMES),
        ("render", "policy", POLICIES),
        ("render", "engine", ENGINES),
        ("demo", "world", DEMO_TEAMS),
        ("reproduce", "experiment", (*EXPERIMENTS, BENCHMARK)),
        ("reproduce", "scale", get_args(Scale)),
        ("reproduce", "mode", get_args(Mode)),
    ],
)
def test_what_completes_is_what_is_accepted(verb: str, name: str, known: Iterable[str]) -> None:
    complete = completions()[verb, name][1]
    assert complete is not None
    assert set(complete("")) == set(known)
