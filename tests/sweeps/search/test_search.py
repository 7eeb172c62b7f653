"""Searches: nothing is lost when somebody kills them, hopeless trials are left, and the best one is found and told."""

import json
import math
from pathlib import Path

import pytest

from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.sweeps import local
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import jobs_of
from lockstep.sweeps.search.command import open_search, with_trials
from lockstep.sweeps.search.goal import read_goal
from lockstep.sweeps.search.request import SearchRequest
from lockstep.sweeps.search.trials import SearchTrial, best_trial, trials_of
from tests.sweeps.search.pretended import KilledError, PretendingEngine, asked, searched

SPACE = ("lr=1e-4..1e-1:log", "gamma=0.9..0.99")


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "POLL_SECONDS", 0.0)


def earned(config: RunConfig) -> float:
    """Most at lr=0.01; a little more with every seed."""
    return 5.0 - abs(math.log10(config.optimizer.lr) + 2) + 0.01 * config.seed


def told(trials: list[SearchTrial]) -> list[tuple[object, ...]]:
    return [(trial.number, dict(trial.chosen), trial.values, trial.standing) for trial in trials]


def test_every_trial_has_its_seeds_and_is_worth_their_mean(tmp_path: Path) -> None:
    sweep = asked(tmp_path / "s", *SPACE, trials=3, seeds=2, prune=False)
    trials = searched(sweep, PretendingEngine(earned))
    assert [job.cell.config.seed for trial in trials for job in trial.jobs] == [1, 2] * 3
    for trial in trials:
        assert trial.value == pytest.approx(sum(trial.known) / 2)
        lr = {job.cell.config.optimizer.lr for job in trial.jobs}
        assert lr == {trial.chosen["lr"]}
    best = best_trial(trials)
    assert best is not None
    assert best.value == max(trial.value or 0.0 for trial in trials)


@pytest.mark.parametrize("sampler", ["tpe", "cma", "random"])
def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path: Path, sampler: str) -> None:
    how = {"trials": 14, "sampler": sampler}
    undisturbed = searched(asked(tmp_path / "quiet", *SPACE, **how), PretendingEngine(earned))
    sweep = asked(tmp_path / "killed", *SPACE, **how)
    for after in (0, 3, 1, 7):
        with pytest.raises(KilledError):
            searched(SweepFolder.open(sweep.path), PretendingEngine(earned, kill_after=after))
    again = searched(SweepFolder.open(sweep.path), PretendingEngine(earned))
    assert told(again) == told(undisturbed)


def test_a_plan_that_was_cut_off_is_mended(tmp_path: Path) -> None:
    sweep = asked(tmp_path / "s", *SPACE, trials=2, seeds=3, prune=False)
    searched(sweep, PretendingEngine(earned))
    lines = sweep.plan.read_text().splitlines(keepends=True)
    sweep.plan.write_text("".join(lines[:4]) + lines[4][:100])  # one seed of the second trial, and half of another
    again = SweepFolder.open(sweep.path)
    assert len(again.cells) == 4
    trials = searched(again, PretendingEngine(earned))
    assert sweep.plan.read_text().splitlines(keepends=True) == lines
    assert [trial.standing for trial in trials] == ["complete", "complete"]


def test_a_trial_that_cannot_become_the_best_is_left_and_can_be_revived(tmp_path: Path) -> None:
    sweep = asked(tmp_path / "s", "lr=1e-2,1e-4", trials=2, seeds=3, sampler="grid")
    good, bad = searched(sweep, PretendingEngine(earned))
    assert (good.standing, bad.standing) == ("complete", "pruned")
    assert len(bad.known) == 1
    reason = sweep.history(bad.jobs[1].cell).reason
    assert reason == "pruned: even with 2 more seeds as good as the best run of all it would be behind trial 1"
    for job in bad.jobs:
        sweep.revive(job.cell)
    _, again = searched(SweepFolder.open(sweep.path), PretendingEngine(earned))
    assert len(again.known) == 2  # the one that had been set aside, and then it is judged again
    assert again.standing == "pruned"


def test_a_trial_that_may_still_become_the_best_goes_on(tmp_path: Path) -> None:
    sweep = asked(tmp_path / "s", "lr=1e-2,1e-3", trials=2, seeds=2, sampler="grid")
    unequal = PretendingEngine(lambda config: 9.0 if (config.optimizer.lr, config.seed) == (1e-2, 1) else 1.0)
    trials = searched(sweep, unequal)
    assert [trial.standing for trial in trials] == ["complete", "complete"]


def test_seeds_are_compared_one_by_one_where_there_are_enough(tmp_path: Path) -> None:
    """A run of 100 keeps the ceiling high; ranks see all the same that every seed is behind."""

    def earns(config: RunConfig) -> float:
        lucky = config.optimizer.lr == 1e-2 and config.seed == 8
        return 100.0 if lucky else config.seed + (1.0 if config.optimizer.lr == 1e-2 else 0.0)

    sweep = asked(tmp_path / "s", "lr=1e-2,1e-3", trials=2, seeds=8, sampler="grid")
    _, behind = searched(sweep, PretendingEngine(earns))
    assert behind.standing == "pruned"
    assert len(behind.known) == 5
    assert sweep.history(behind.jobs[7].cell).reason == "pruned: seed by seed it is behind trial 1"


def test_where_nothing_is_left_to_choose_a_search_ends(tmp_path: Path) -> None:
    sweep = asked(tmp_path / "s", "lr=1e-2,1e-3", trials=9, sampler="random")
    trials = searched(sweep, PretendingEngine(earned))
    assert sorted(str(trial.chosen["lr"]) for trial in trials) == ["1e-2", "1e-3"]


def test_choices_that_do_not_go_together_are_passed_over(tmp_path: Path) -> None:
    sweep = asked(tmp_path / "s", "buffer_size=64,128", "batch_size=32,100", trials=9, sampler="grid")
    trials = searched(sweep, PretendingEngine(earned))
    assert [(trial.chosen["buffer_size"], trial.chosen["batch_size"]) for trial in trials] == [
        ("64", "32"),
        ("128", "32"),
        ("128", "100"),
    ]


def test_how_soon_it_is_solved_is_a_goal(tmp_path: Path) -> None:
    sweep = asked(tmp_path / "s", "lr=1e-2,1e-4", trials=2, sampler="grid", aim="4.5", within="90s")
    soon, never = searched(sweep, PretendingEngine(earned))
    assert soon.value == pytest.approx(-math.log(60.0))
    assert never.value == pytest.approx(-math.log(90.0) - (4.5 - 3.01) / 4.5)
    assert SearchRequest.of(sweep).goal.text(soon.value) == "1m00s"
    training = soon.jobs[0].cell.config.training
    assert (training.max_seconds, training.stop_at_test_return) == (90.0, 4.5)


def test_a_search_can_have_more_trials_later_and_nothing_else(tmp_path: Path) -> None:
    sweep = asked(tmp_path / "s", *SPACE, trials=2)
    searched(sweep, PretendingEngine(earned))
    more = with_trials(open_search(sweep.path, None), 3)
    assert len(searched(more, PretendingEngine(earned))) == 3
    assert SearchRequest.of(SweepFolder.open(sweep.path)).trials == 3
    assert asked(sweep.path, *SPACE, trials=4).path == sweep.path
    with pytest.raises(UserError, match="is not empty"):
        asked(sweep.path, *SPACE, trials=4, seeds=2)


def test_two_work_at_once(tmp_path: Path) -> None:
    sweep = asked(tmp_path / "s", *SPACE, trials=6, seeds=2)
    assert len(searched(sweep, PretendingEngine(earned, at_once=3))) == 6


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ('"chosen": {"lr": 0.5', "is no choice of this search"),
        ('"chosen": 5, "was": {"lr": 0.5', "is no cell"),
        ('"trial": "x", "chosen": {"lr": 0.5', "is no cell"),
    ],
)
def test_a_plan_that_somebody_changed_is_a_sentence(tmp_path: Path, damage: str, sentence: str) -> None:
    sweep = asked(tmp_path / "s", "lr=1e-3..1e-2", trials=1)
    (trial,) = searched(sweep, PretendingEngine(earned))
    text = sweep.plan.read_text()
    sweep.plan.write_text(text.replace(f'"chosen": {{"lr": {trial.chosen["lr"]}', damage))
    with pytest.raises(UserError, match=sentence):
        open_search(sweep.path, None)


@pytest.mark.parametrize("name", ["base", "words", "trials", "sampler", "goal", "prune"])
def test_a_file_that_says_half_is_a_sentence(tmp_path: Path, name: str) -> None:
    sweep = asked(tmp_path / "s", *SPACE)
    lines = [line for line in sweep.file.read_text().splitlines() if not line.startswith(f"{name} =")]
    sweep.file.write_text("\n".join(lines))
    with pytest.raises(UserError):
        open_search(sweep.path, None)


@pytest.mark.parametrize(
    ("aim", "within", "sentence"),
    [
        ("glory", None, "--goal glory is unknown"),
        ("nan", None, "--goal nan is unknown"),
        ("3", "soon", "--within soon is no time"),
        ("3", "0s", "--within 0s is no time"),
    ],
)
def test_a_goal_that_is_none_is_a_sentence(aim: str, within: str | None, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_goal(aim, within)


def test_a_row_of_the_plan_has_what_was_chosen(tmp_path: Path) -> None:
    sweep = asked(tmp_path / "s", *SPACE, trials=1)
    (trial,) = searched(sweep, PretendingEngine(earned))
    row = json.loads(sweep.plan.read_text())
    assert (row["cell"], row["trial"], row["chosen"]) == (1, 1, dict(trial.chosen))
    assert trials_of(jobs_of(SweepFolder.open(sweep.path)), read_goal("test_return", None))[0].values == trial.values
