from pathlib import Path

from lockstep.analysis.groups import differing_settings, group_runs
from tests.runs.written import written_run


def test_runs_that_differ_in_seed_alone_are_one_group(tmp_path: Path) -> None:
    runs = [written_run(tmp_path / f"{seed}", [1.0], seed=seed) for seed in (3, 1)]
    (group,) = group_runs(runs)
    assert group.name == "smoke"
    assert [run.config.seed for run in group.runs] == [1, 3]


def test_how_often_is_logged_or_saved_makes_no_other_experiment(tmp_path: Path) -> None:
    often = written_run(tmp_path / "a", [1.0], words=["log_interval=100", "save_model_interval=100"])
    assert len(group_runs([often, written_run(tmp_path / "b", [1.0], seed=2)])) == 1


def test_groups_of_one_name_say_what_tells_them_apart(tmp_path: Path) -> None:
    runs = [written_run(tmp_path / str(lr), [1.0], words=[f"lr={lr}"]) for lr in (0.1, 0.2)]
    assert [group.name for group in group_runs(runs)] == ["smoke (lr=0.1)", "smoke (lr=0.2)"]


def test_groups_keep_the_order_in_which_they_were_named(tmp_path: Path) -> None:
    later = written_run(tmp_path / "z", [1.0], preset="solve")
    assert [group.name for group in group_runs([later, written_run(tmp_path / "a", [1.0])])] == ["solve", "smoke"]


def test_differing_settings_leave_the_seed_out(tmp_path: Path) -> None:
    runs = [written_run(tmp_path / str(seed), seed=seed, words=[f"gamma=0.{seed}"]) for seed in (1, 2)]
    assert differing_settings([run.config for run in runs]) == ["algorithm.gamma"]
