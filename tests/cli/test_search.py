"""`lockstep search` as a person uses it."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import lockstep
from lockstep.cli import main
from lockstep.cli.app import complete_sources
from lockstep.cli.search import complete_samplers
from lockstep.runs.directory import RunDirectory
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.search.request import SearchRequest
from lockstep.sweeps.search.samplers import choose
from lockstep.sweeps.search.trials import tried
from lockstep.training.kill_test import ended, started
from tests.cli.test_cli import refused
from tests.sweeps.search.pretended import PretendingEngine, asked, searched
from tests.sweeps.sweeps import SHORT, tiny_sweep

WORDS = ["lr=1e-3..1e-2:log", "gamma=0.9..0.99"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def done(here: Path, monkeypatch: pytest.MonkeyPatch) -> SweepFolder:
    """Twelve trials of which nobody trained a run."""
    monkeypatch.setattr("lockstep.sweeps.local.POLL_SECONDS", 0.0)
    sweep = asked(
        here / "searches" / "s", "lr=1e-4..1e-1:log", "gamma=0.9..0.99", "hidden_dim=8,16", trials=12, seeds=2
    )
    searched(sweep, PretendingEngine(lambda config: 100 * config.optimizer.lr + config.algorithm.gamma))
    return sweep


@pytest.mark.timeout(200)
def test_a_search_trains_its_trials_tells_the_best_and_goes_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["search", "smoke", *SHORT, *WORDS, "--trials", "1", "--within", "90s", "--goal", "test_return"]
    assert main(typed) == 0
    said = capsys.readouterr().out
    assert "1 of 1 trial complete" in said
    assert "  lockstep train smoke env.key=probe-coin" in said
    assert "lockstep report searches/smoke-1" in said
    assert main(["search", "searches/smoke-1", "--trials", "2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [trial["standing"] for trial in rows["trials"]] == ["complete", "complete"]
    assert rows["best"] in (1, 2)
    assert main(["search", "searches/smoke-1", "--status"]) == 0
    assert "2 of 2 trials complete" in capsys.readouterr().out
    assert main(["sweep", "searches/smoke-1", "--status"]) == 0  # it is a sweep, too
    assert "2 of 2 finished" in capsys.readouterr().out
    assert lockstep.Search("searches/smoke-1").best is not None


@pytest.mark.timeout(200)
def test_whoever_kills_a_search_loses_nothing(here: Path) -> None:
    """The trials that had ended stand, the one that was at work goes on, and the same choices follow."""
    coordinator = started(
        ["search", "smoke", *SHORT, *WORDS, "--trials", "3", "--at-once", "1", "--out", "s", "--quiet"]
    )
    sweep = SweepFolder(Path("s"))
    until = time.monotonic() + 120.0
    while time.monotonic() < until and len(_plan(sweep)) < 2:
        assert coordinator.poll() is None
        time.sleep(0.05)
    coordinator.process.kill()
    ended(coordinator)
    before = _plan(sweep)
    ends = {row["run"]: (sweep.runs / row["run"] / "eval.jsonl").read_bytes() for row in before[:1]}
    assert main(["search", "s", "--at-once", "1", "--quiet"]) == 0
    trials = lockstep.Search("s").trials
    assert _plan(sweep)[:2] == before
    assert [trial.standing for trial in trials] == ["complete"] * 3
    for name, rows in ends.items():
        assert (sweep.runs / name / "eval.jsonl").read_bytes() == rows
    request = SearchRequest.of(SweepFolder.open(Path("s")))
    for number in (1, 2, 3):
        assert trials[number - 1].chosen == choose("tpe", request.space, tried(trials[: number - 1]), number, 1)


def _plan(sweep: SweepFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sweep.plan.read_text().splitlines()] if sweep.plan.is_file() else []


def test_a_search_has_one_coordinator(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = asked(here / "s", *WORDS)
    with RunDirectory(sweep.path).locked():
        assert main(["search", "s", "--quiet"]) == 2
    assert "is already training in s" in capsys.readouterr().err
    assert _plan(sweep) == []


def test_a_report_says_what_was_best_what_mattered_and_where_it_lies(
    done: SweepFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "searches/s"]) == 0
    text = (done.path / "report.md").read_text()
    assert "12 of 12 trials were chosen by tpe" in text
    assert "Importance of each setting" in text
    assert "Parallel coordinates" in text
    assert "lockstep search searches/s" in text
    for name in ("importance.svg", "parallel.svg"):
        assert (done.path / "report_files" / name).read_text().startswith("<?xml")
    best = lockstep.Search(done.path).best
    assert best is not None
    assert f"trial {best.number}: test return" in text
    assert best.chosen["lr"] == max(trial.chosen["lr"] for trial in lockstep.Search(done.path).trials if trial.known)


def test_a_search_is_made_from_python(done: SweepFolder) -> None:
    again = lockstep.Search(done.path).work()  # nothing is left to do
    assert len(again.trials) == 12
    assert len(again.runs) == sum(len(trial.known) for trial in again.trials)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["smoke"], "nothing to search"),
        (["smok", *WORDS], "Did you mean 'smoke'"),
        (["smoke", "lr=1e-2..1e-3"], "is empty: a range rises"),
        (["smoke", *WORDS, "--trials", "0"], "--trials 0 must be at least 1"),
        (["smoke", *WORDS, "--seeds", "-1"], "--seeds -1 must be at least 1"),
        (["smoke", *WORDS, "--trials", "9999", "--seeds", "9"], "are more than the 10,000 runs"),
        (["smoke", *WORDS, "--sampler", "dice"], "--sampler dice is unknown"),
        (["smoke", *WORDS, "--sampler-seed", "-1"], "--sampler-seed -1 must be at least 0"),
        (["smoke", *WORDS, "--sampler", "grid"], "as many as one likes"),
        (["smoke", *WORDS, "--goal", "glory"], "--goal glory is unknown"),
        (["smoke", *WORDS, "--within", "-3s"], "--within -3s is no time"),
        (["smoke", *WORDS, "--on", "slurm"], "--on slurm is unknown; it must be local or ray"),
        (["smoke", *WORDS, "--at-once", "0"], "--at-once 0 must be at least 1"),
        (["smoke", "--status"], "--status wants the folder of a search, and 'smoke' is none"),
        (["sweep"], "is a sweep and no search: `lockstep sweep sweep` goes on"),
        (["search", "--seeds", "3"], "nothing but --trials can be another"),
        (["search", "lr=1e-3..1e-2"], "nothing but --trials can be another"),
        (["smoke", *WORDS, "--out", "sweep"], "is not empty"),
    ],
)
def test_bad_input_is_a_sentence_and_leaves_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    tiny_sweep(here / "sweep")
    asked(here / "search", *WORDS)
    before = sorted(str(path) for path in here.rglob("*"))
    assert sentence in refused(["search", *words], capsys)
    assert sorted(str(path) for path in here.rglob("*")) == before


def test_a_search_is_not_gone_on_with_as_a_sweep(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked(here / "s", *WORDS)
    assert "s is a search: `lockstep search s` goes on with it" in refused(["sweep", "s"], capsys)


def test_a_search_without_optuna_says_what_to_install(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert "pip install 'lockstep-marl[search]'" in refused(["search", "smoke", *WORDS], capsys)
    assert list(here.iterdir()) == []


def test_the_shell_completes_searches_and_samplers(done: SweepFolder) -> None:
    assert complete_samplers("g") == ["gp", "grid"]
    assert complete_sources("searches")("searches/") == ["searches/s"]
    assert "smoke" in complete_sources("searches")("sm")
