"""What the doctor says before a run: about the published presets, and check by check about one sick thing at a time."""

from functools import cache
from typing import Any

import pytest

from lockstep.config.load import load_config
from lockstep.doctor.before import CHECKS
from lockstep.doctor.diagnosis import Diagnosis, apply, diagnose, fixed
from lockstep.doctor.forecast import Forecast
from lockstep.doctor.machine import Machine
from lockstep.doctor.task import measure_task
from tests.doctor.tasks import forecast, fresh


@cache
def diagnosed(preset: str) -> Diagnosis:
    config = load_config(preset)
    return diagnose(config, measure_task(config))


@pytest.mark.parametrize("preset", ["report-default", "report-changed"])
def test_the_published_failures_are_foreseen(preset: str) -> None:
    diagnosis = diagnosed(preset)
    assert diagnosis.verdict == "will not learn"
    finding = diagnosis.findings[0]
    assert finding.name == "too-few-rewards"
    assert diagnosis.forecast.rewarding_before_floor_at_random == pytest.approx(1.67, abs=0.5)


def test_the_published_success_is_not_condemned() -> None:
    assert diagnosed("report-final").verdict != "will not learn"


@pytest.mark.parametrize("preset", ["solve", "smoke"])
def test_a_healthy_preset_gets_no_finding(preset: str) -> None:
    assert diagnosed(preset).findings == ()


def test_every_remedy_that_is_offered_was_seen_to_help() -> None:
    diagnosis = diagnosed("report-default")
    remedies = diagnosis.findings[0].remedies
    assert len(remedies) == 2
    for remedy in remedies:
        after = apply(diagnosis.forecast, remedy.overrides)
        assert after.rewarding_in_all > 50
        assert "too-few-rewards" not in {finding.name for finding in diagnose(after.config, after.task).findings}


def test_fixing_ends_with_a_configuration_that_can_learn() -> None:
    better, applied = fixed(diagnosed("report-default"))
    assert better.verdict == "can learn"
    assert "standardise_rewards=False" in applied
    assert load_config("report-default", applied) == better.forecast.config


SICK: dict[str, Forecast] = {
    "too-few-rewards": forecast(rewarding=1, training={"max_env_steps": 100_000}),
    "epsilon-falls-early": forecast(
        rewarding=50,
        exploration={"epsilon_finish": 0.2, "epsilon_anneal_env_steps": 10_000},
        training={"max_env_steps": 2_000_000},
    ),
    "never-learns": forecast(replay={"batch_size": 20_000, "buffer_size": 20_000}),
    "rewards-rarely-studied": forecast(rewarding=10, replay={"batch_size": 4}, training={"updates_per_collection": 1}),
    "replay-forgets": forecast(replay={"buffer_size": 40}),
    "too-few-updates": forecast(collection={"num_envs": 500}),
    "learning-rate-too-high": forecast(optimizer={"lr": 0.5}),
    "targets-too-slow": forecast(algorithm={"target_sync_updates": 5_000}),
    "horizon-too-short": forecast(algorithm={"gamma": 0.5}),
    "standardized-rare-reward": forecast(algorithm={"standardize_rewards": True}),
    "time-limit-is-an-end": forecast(algorithm={"bootstrap_time_limit": False}),
    "replay-does-not-fit": forecast(machine=Machine(free_bytes=1e6)),
    "no-checkpoints": forecast(checkpoint={"every_env_steps": 2_000_000}),
    "takes-long": forecast(machine=Machine(0.1, 10.0, 0.0)),
    "collection-without-reward": fresh(rewarding=1),
    "settings-without-meaning": fresh(collection={"warmup_env_steps": 100_000}),
}


def names(found: Forecast) -> set[str]:
    return {finding.name for check in CHECKS if (finding := check(found)) is not None}


@pytest.mark.parametrize("name", SICK)
def test_each_check_finds_its_sickness(name: str) -> None:
    assert name in names(SICK[name])


def test_a_healthy_forecast_has_none() -> None:
    assert names(forecast(replay={"rewarding_fraction": 0.25}, machine=Machine(0.01, 0.01, 1e-6, 1e10))) == set()


def test_what_learns_from_fresh_episodes_is_not_asked_for_a_memory() -> None:
    healthy = fresh(replay={"batch_size": 20_000, "buffer_size": 20_000}, machine=Machine(0.01, 0.01, 1e-6, 1e10))
    assert names(healthy) == {"settings-without-meaning"}
    assert names(fresh(machine=Machine(0.01, 0.01, 1e-6, 1e10))) == set()


@pytest.mark.parametrize("name", ["too-few-rewards", "collection-without-reward", "settings-without-meaning"])
def test_what_learns_from_fresh_episodes_gets_remedies_that_it_has_a_use_for(name: str) -> None:
    sick = fresh(rewarding=1, collection={"num_envs": 10, "warmup_env_steps": 900_000})
    (finding,) = [found for found in diagnose(sick.config, sick.task).findings if found.name == name]
    words = " ".join(remedy.words for remedy in finding.remedies)
    assert {
        "too-few-rewards": words == "t_max=200_000_000",
        "collection-without-reward": words == "num_envs=20_000",
        "settings-without-meaning": words == "warmup_env_steps=0",
    }[name]


def test_every_check_is_tried_on_something_sick() -> None:
    assert len(SICK) == len(CHECKS)


def test_findings_speak_in_numbers_and_plain_data() -> None:
    for found in SICK.values():
        for check in CHECKS:
            finding = check(found)
            if finding is not None:
                row: dict[str, Any] = finding.row()
                assert any(character.isdigit() for character in row["evidence"])
                assert row["numbers"]
                assert row["document"] == f"lockstep doctor --explain {finding.name}"
