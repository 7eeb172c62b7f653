from dataclasses import replace
from pathlib import Path

import pytest

from lockstep.config.knobs import flat
from lockstep.config.presets import PRESETS
from lockstep.errors import UserError
from lockstep.reproduce.plan import Reproduction, new_plan, resumed_plan, scaled, wanted_plan
from lockstep.sweeps.folder import SweepFolder

PLAN = Reproduction("week2", "full", "vectorized", seeds=3, episodes_per_update=8, with_ours=True)


def test_vectorized_changes_the_episodes_before_an_update_and_keeps_the_targets_period_in_episodes() -> None:
    for name, config in PLAN.configurations().items():
        if name == "master":
            assert config == PRESETS[name]()
            continue
        assert config.collection.num_envs == 8
        assert flat(config)["algorithm.target_sync_updates"] == 25  # of 8 episodes each: 200 episodes, as published
        one = config.collection.model_copy(update={"num_envs": 1})
        algorithm = config.algorithm.model_copy(update={"target_sync_updates": 200})
        assert config.model_copy(update={"collection": one, "algorithm": algorithm}) == PRESETS[name]()
    assert PLAN.difference().startswith("8 episodes are played before each update instead of one")


def test_literal_is_the_published_configuration() -> None:
    literal = replace(PLAN, mode="literal", with_ours=False)
    assert literal.configurations() == {
        name: PRESETS[name]() for name in ("report-default", "report-changed", "report-final")
    }
    assert literal.difference().startswith("Nothing")


def test_a_smaller_scale_cuts_what_is_counted_in_steps_and_nothing_else() -> None:
    config = scaled(PRESETS["report-final"](), 0.1)
    assert config.training.max_env_steps == 2_000_000
    assert config.exploration.epsilon_anneal_env_steps == 500_000
    assert config.replay.buffer_size == 20_000
    assert config.evaluation.every_env_steps == 100_000
    assert (config.replay.batch_size, config.optimizer.lr, config.exploration.epsilon_finish) == (256, 5e-4, 0.1)
    assert scaled(PRESETS["report-final"](), 1 / 400).replay.buffer_size == 500
    assert scaled(PRESETS["report-default"](), 1e-6).replay.buffer_size == 32  # never less than a batch


def test_week_1_is_its_preset_with_every_algorithm() -> None:
    preset = PRESETS["report-week1"]()
    configurations = Reproduction("week1").configurations()
    assert [config.algorithm.name for config in configurations.values()] == ["qmix", "vdn", "iql"]
    for config in configurations.values():
        assert config.model_copy(update={"algorithm": preset.algorithm}) == preset


def test_both_is_week_2_and_ours_and_week_1() -> None:
    assert (
        Reproduction("both").configurations()
        == Reproduction("week2").configurations() | Reproduction("week1").configurations()
    )


def test_the_command_names_what_is_not_usual() -> None:
    assert PLAN.command() == "lockstep reproduce week2 --seeds 3 --episodes-per-update 8"
    smoke = Reproduction("both", "smoke", "literal", seeds=1, with_ours=False, device="cuda")
    assert smoke.command() == "lockstep reproduce both --seeds 1 --scale smoke --mode literal --device cuda --no-ours"


def test_trainings_go_seed_by_seed(tmp_path: Path) -> None:
    cells = replace(PLAN, seeds=2).cells(tmp_path)
    assert [(cell.name, cell.config.seed) for cell in cells[:5]] == [
        ("report-default", 1),
        ("report-changed", 1),
        ("report-final", 1),
        ("master", 1),
        ("report-default", 2),
    ]
    assert cells[4].run.path == tmp_path / "runs" / "report-default-s2"


def test_a_reproduction_is_a_sweep_and_grows_by_seeds(tmp_path: Path) -> None:
    few = replace(PLAN, seeds=1).sweep(tmp_path)
    assert [cell.row() for cell in few.cells] == [cell.row() for cell in PLAN.sweep(tmp_path).cells[:4]]
    assert len(SweepFolder.open(tmp_path).cells) == 12


def test_a_plan_is_found_again(tmp_path: Path) -> None:
    new_plan(PLAN, tmp_path / "out")
    assert resumed_plan(tmp_path / "out", {"seeds": 3, "scale": "full"}) == PLAN


def test_seeds_may_be_added_and_nothing_else_changed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    new_plan(PLAN, out)
    assert resumed_plan(out, {"seeds": 5}).seeds == 5
    assert resumed_plan(out, {}).seeds == 5
    with pytest.raises(UserError, match="begun with seeds 5, not 2"):
        resumed_plan(out, {"seeds": 2})
    with pytest.raises(UserError, match="begun with episodes-per-update 8, not 16"):
        resumed_plan(out, {"episodes_per_update": 16})


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    new_plan(PLAN, tmp_path / "out")
    with pytest.raises(UserError, match="Add --resume to go on with it"):
        new_plan(PLAN, tmp_path / "out")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(UserError, match="is not empty"):
        new_plan(PLAN, tmp_path / "other")


def test_nothing_to_resume_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no reproduction to resume"):
        resumed_plan(tmp_path, {})
    (tmp_path / "plan.json").write_text('{"experiment": "week2", "speed": 9}')
    with pytest.raises(UserError, match="cannot be read"):
        resumed_plan(tmp_path, {})


def test_what_was_not_said_is_as_planned_or_usual(tmp_path: Path) -> None:
    unsaid = dict.fromkeys(("scale", "mode", "seeds", "episodes_per_update", "with_ours", "device"))
    assert wanted_plan("week2", unsaid, tmp_path, resume=False) == Reproduction("week2")
    new_plan(replace(PLAN, seeds=4, mode="literal"), tmp_path)
    assert wanted_plan("week2", unsaid, tmp_path, resume=True) == replace(PLAN, seeds=4, mode="literal")


@pytest.mark.parametrize(
    ("experiment", "options", "sentence"),
    [
        ("week3", {}, "no experiment 'week3'; it must be week1, week2 or both"),
        ("week2", {"scale": "half"}, "--scale half is unknown; it must be full, tenth or smoke"),
        ("week2", {"mode": "fast"}, "--mode fast is unknown; it must be vectorized or literal"),
        ("week2", {"seeds": 0}, "--seeds 0 must be at least 1"),
        ("week2", {"episodes_per_update": -1}, "--episodes-per-update -1 must be at least 1"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    tmp_path: Path, experiment: str, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        wanted_plan(experiment, options, tmp_path, resume=False)
