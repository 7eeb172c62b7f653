from pathlib import Path

import pytest

from lockstep.cli import main
from lockstep.errors import UserError
from lockstep.reproduce.benchmark import recipes
from lockstep.reproduce.benchmark.plan import Benchmark, Place, plan, planned, wanted, wanted_cells
from lockstep.reproduce.benchmark.recipes import LOOKS, configuration
from lockstep.reproduce.benchmark.tasks import ALGORITHMS, TASKS
from lockstep.sweeps.local import new_job, seed_by_seed
from tests.cli.test_cli import refused


def test_every_row_and_column_can_be_trained() -> None:
    """Each has a configuration of its own, evaluated as often as in the paper, with as many env steps for all."""
    for place in Benchmark(literal=True).places:
        task = TASKS[place.task]
        config = configuration(task, place.algorithm, place.reading)
        assert (config.env.key, config.env.time_limit) == (task.key, task.time_limit)
        assert config.algorithm.name == place.algorithm
        assert config.training.max_env_steps // config.evaluation.every_env_steps == LOOKS
        draws = place.algorithm in ("ia2c", "ippo", "maa2c", "mappo")
        assert (config.evaluation.choice, config.evaluation.epsilon) == (
            ("sampled", 0.0) if draws else ("greedy", 0.05)
        )
    for name, task in TASKS.items():
        steps = {configuration(task, algorithm, "recipe").training.max_env_steps for algorithm in ALGORITHMS}
        assert len(steps) == 1, name


def test_the_published_rows_have_every_algorithm_of_the_paper() -> None:
    published = [task.published for task in TASKS.values() if task.published]
    assert len(published) == 12
    assert all(row.keys() == {"iql", "vdn", "qmix", "ia2c", "ippo", "maa2c", "mappo"} for row in published)
    assert TASKS["spread"].as_published(-26.0) == -127.0


def test_a_benchmark_grows_and_keeps_its_numbers(tmp_path: Path) -> None:
    out = tmp_path / "bm"
    _, small = plan(out, wanted({"tasks": "spread", "algorithms": "qmix,iql", "seeds": 1}), resume=False)
    assert [cell.name for cell in small.cells] == ["spread iql", "spread qmix"]  # in the table's order
    benchmark, large = plan(out, wanted({"tasks": "rware-tiny-2ag", "seeds": 2}), resume=False)
    assert benchmark == planned(out)
    assert benchmark.tasks == ("rware-tiny-2ag", "spread")
    assert benchmark.algorithms == ("iql", "qmix")  # what was not said again stays
    names = [cell.run.path.name for cell in small.cells]
    assert [cell.run.path.name for cell in large.cells[:2]] == names
    assert [cell.number for cell in large.cells] == list(range(1, len(large.cells) + 1))
    assert len(wanted_cells(benchmark, large)) == len(large.cells) == 2 * 2 * 2
    again, same = plan(out, {}, resume=True)
    assert (again, [cell.config for cell in same.cells]) == (benchmark, [cell.config for cell in large.cells])


def test_cells_of_a_recipe_that_has_changed_stay_and_are_no_longer_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = wanted({"tasks": "spread", "algorithms": "qmix", "seeds": 1})
    _, sweep = plan(tmp_path / "bm", asked, resume=False)
    before = [cell.config for cell in sweep.cells]
    monkeypatch.setitem(recipes.STEPS, "particles", 1_000_000)
    benchmark, after = plan(tmp_path / "bm", asked, resume=True)
    assert [cell.config for cell in after.cells[:1]] == before
    assert [cell.number for cell in wanted_cells(benchmark, after)] == [2]


def test_seeds_come_one_after_the_other_and_what_is_dear_comes_first(tmp_path: Path) -> None:
    _, sweep = plan(tmp_path / "bm", wanted({"tasks": "spread", "algorithms": "qmix,iql", "seeds": 2}), resume=False)
    jobs = [new_job(sweep, cell) for cell in sweep.cells]
    for job in jobs:
        job.seconds = 2.0 if job.cell.config.algorithm.name == "qmix" else 1.0
    ordered = [(job.cell.config.seed, job.cell.name) for job in sorted(jobs, key=seed_by_seed)]
    assert ordered == [(1, "spread qmix"), (1, "spread iql"), (2, "spread qmix"), (2, "spread iql")]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("benchmark --tasks chess", "--tasks chess is not in the table"),
        ("benchmark --algorithms dqn", "--algorithms dqn is not in the table"),
        ("benchmark --tasks ,", "--tasks names nothing"),
        ("benchmark --seeds 0", "--seeds 0 must be from 1"),
        ("benchmark --scale half", "--scale half is unknown"),
        ("benchmark --within soon", "--within soon is no time"),
        ("benchmark --mode literal", "--mode is not an option of benchmark"),
        ("week2 --tasks spread", "--tasks is not an option of week2"),
    ],
)
def test_what_is_not_in_the_table_is_a_sentence(words: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sentence in refused(["reproduce", *words.split()], capsys)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    full = str(tmp_path / "full")
    assert "is not empty, and holds no benchmark" in refused(["reproduce", "benchmark", "--out", full], capsys)
    nothing = str(tmp_path / "nothing")
    assert "is no sweep" in refused(["reproduce", "benchmark", "--resume", "--out", nothing], capsys)
    plan(tmp_path / "bm", wanted({"tasks": "spread", "seeds": 1}), resume=False)
    with pytest.raises(UserError, match="was begun with --scale full"):
        plan(tmp_path / "bm", wanted({"scale": "smoke"}), resume=True)


def test_the_time_is_over_at_once_and_nothing_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is left is said; without a number to tell of, the report is a sentence."""
    words = ["--tasks", "spread", "--algorithms", "mappo", "--seeds", "1", "--scale", "smoke", "--within", "0.001s"]
    code = main(["reproduce", "benchmark", *words, "--out", str(tmp_path / "bm")])
    assert "0 of 1 runs are done" in capsys.readouterr().out
    assert code == 0
    assert planned(tmp_path / "bm").tasks == ("spread",)
    assert Place("spread", "mappo").name == "spread mappo"
