"""Every check on something sick and something healthy: recorded runs, and where no small run falls ill that way, a
healthy run's record with some of its numbers replaced."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockstep.algorithms.registry import metrics
from lockstep.config.load import load_config
from lockstep.doctor import Finding, History, examine, findings
from lockstep.doctor.after import CHECKS
from lockstep.doctor.before import CHECKS as BEFORE
from lockstep.doctor.history import Columns, Floats
from lockstep.runs.reader import RunReader
from tests.runs.folders import append, make_run

RECORDED = Path(__file__).parent / "recorded"
DOCUMENTS = Path(__file__).parents[2] / "lockstep" / "doctor" / "pages"


@dataclass
class Edited:
    """Columns with some of them replaced."""

    columns: Columns
    changes: dict[str, Floats] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Floats:
        return self.changes[name] if name in self.changes else self.columns[name]


def history(name: str) -> History:
    record = RunReader.open(RECORDED / name)
    return History(
        record.config, record.metrics, record.evaluations, record.standing, str(record.info.get("reason")), 2
    )


def edited(training: dict[str, Any] | None = None, evaluations: dict[str, Any] | None = None) -> History:
    """The healthy run with columns replaced by lines between given points."""
    healthy = history("healthy")

    def columns(old: Columns, changes: dict[str, Any]) -> Edited:
        count = len(old["env_steps"])
        at = np.linspace(0, 1, count)
        lines = {name: np.interp(at, np.linspace(0, 1, len(points)), points) for name, points in changes.items()}
        return Edited(old, lines)

    return replace(
        healthy,
        training=columns(healthy.training, training or {}),
        evaluations=columns(healthy.evaluations, evaluations or {}),
    )


class Rows(dict[str, Floats]):
    """Columns that were made up; a name without one is a column that the run does not write."""

    def __missing__(self, name: str) -> Floats:
        return np.full(len(self["env_steps"]), np.nan)


def policy(training: dict[str, Any] | None = None, evaluations: dict[str, Any] | None = None) -> History:
    """A healthy run of an algorithm that trains a policy, its columns lines between points, some of them replaced."""
    config, at = load_config("smoke", ["algorithm=mappo"]), np.linspace(0, 1, 20)

    def rows(points: dict[str, Any]) -> Rows:
        return Rows({name: np.interp(at, np.linspace(0, 1, len(line)), line) for name, line in points.items()})

    steps = {"env_steps": [0, config.training.max_env_steps]}
    learnt = {"return_mean": [0.0, 3.0], "rewarding_episodes": [10.0], "loss": [1.0, 0.01], "epsilon": [0.0]}
    moving = {"policy_entropy": [1.6, 0.4], "policy_kl": [0.01], "clipped_share": [0.1], "explained_variance": [0, 0.9]}
    judged = {"test_return_mean": [0.0, 3.0], "test_return_std": [0.5]}
    return History(
        config,
        rows({**steps, **learnt, **moving, **(training or {})}),
        rows({**steps, **judged, **(evaluations or {})}),
    )


FLAT = {"test_return_mean": [0.0, 1.9, 2.0, 2.0, 2.0, 2.0, 2.0], "test_return_std": [0.5]}
SICK: dict[str, History] = {
    "no-reward-ever": history("nothing-found"),
    "reward-lost-again": history("forgetful"),
    "values-diverge": history("runaway"),
    "values-overestimate": edited(
        evaluations={"test_q_start_mean": [0.1, 3.0], "test_discounted_return_mean": [0.1, 0.3]}
    ),
    "loss-falls-return-flat": history("forgetful"),
    "gradient-clipped": history("clipped"),
    "epsilon-never-fell": history("always-random"),
    "epsilon-fell-too-soon": history("too-soon"),
    "one-action": history("dead"),
    "idle-agent": edited(evaluations={"test_delivery_share_min": [0.3, 0.01, 0.01], **FLAT}),
    "agents-alike": edited(evaluations={"test_same_action_share": [0.3, 0.99, 0.99]}),
    "delivers-once": edited(
        evaluations={**FLAT, "test_delivered_once_share": [0.0, 0.9], "test_held_delivered_share": [0.0, 0.7, 0.7]}
    ),
    "plateau": edited(evaluations=FLAT),
    "train-test-gap": edited({"return_mean": [0.0, 2.0, 2.0]}, {"test_return_mean": [0.0, 0.4, 0.4]}),
    "forgot-after-peak": edited(evaluations={"test_return_mean": [0.0, 2.5, 2.5, 0.6, 0.5]}),
    "dead-units": history("dead"),
    "saturated-memory": edited(evaluations={"saturated_memory_share": [0.0, 0.8, 0.8]}),
    "mixer-ignores-agent": edited(evaluations={"mixer_share_min": [0.4, 0.01, 0.01]}),
    "policy-collapsed": policy({"policy_entropy": [1.6, 0.01, 0.01, 0.01, 0.01, 0.01]}, {"test_return_mean": [0.5]}),
    "policy-undecided": policy({"policy_entropy": [1.6]}),
    "policy-jumps": policy({"policy_kl": [0.01, 0.5]}),
    "policy-clipped": policy({"clipped_share": [0.1, 0.8]}),
    "critic-explains-nothing": policy({"explained_variance": [-0.1]}),
    "slows-down": edited({"env_steps_per_second": [1000, 1000, 1000, 900, 100, 100]}),
    "memory-grows": edited({"resident_mib": [500, 5000], "replay_episodes": [4000.0]}),
}  # fmt: skip


def names(found: list[Finding]) -> set[str]:
    return {finding.name for finding in found}


@pytest.mark.parametrize("name", SICK)
def test_each_check_finds_its_sickness_and_says_so_in_numbers(name: str) -> None:
    (finding,) = [finding for finding in examine(SICK[name]) if finding.name == name]
    row = json.loads(json.dumps(finding.row()))
    assert any(character.isdigit() for character in row["evidence"])
    assert row["meaning"]
    assert row["remedies"]


@pytest.mark.parametrize("name", SICK)
def test_no_check_finds_anything_in_a_healthy_run(name: str) -> None:
    assert name not in names(examine(history("healthy")))


def test_a_healthy_policy_gets_no_finding() -> None:
    assert names(examine(policy())) == set()


def test_a_solved_task_needs_no_undecided_policy() -> None:
    solved = policy({"policy_entropy": [1.6, *[0.01] * 5]}, {"test_return_mean": [0.0, 0.1, 3.0, 3.0]})
    assert "policy-collapsed" not in names(examine(solved))


def test_a_policy_is_offered_nothing_that_only_a_memory_or_an_epsilon_has() -> None:
    nothing = {"return_mean": [0.0], "rewarding_episodes": [0.0], "episode": [0.0, 5_000.0]}
    (finding,) = [
        found for found in examine(policy(nothing, {"test_return_mean": [0.0]})) if found.name == "no-reward-ever"
    ]
    words = " ".join(remedy.words for remedy in finding.remedies)
    assert "num_envs" in words
    assert "rewarding_fraction" not in words
    assert "epsilon" not in words + finding.evidence


def test_nineteen_agents_of_which_each_does_its_part_are_not_accused() -> None:
    """An equal share is 5 %. Half of it is no sickness, a twentieth of it is; what nobody can count accuses nobody."""
    fair = {"mixer_share_min": [0.045], "test_delivery_share_min": [0.03], "test_return_mean": [0.0, 30.0]}
    unfair = {"mixer_share_min": [0.002], "test_delivery_share_min": [0.002], "test_return_mean": [0.0, 30.0]}
    accusations = {"mixer-ignores-agent", "idle-agent"}
    for evaluations, agents, expected in ((fair, 19, set()), (unfair, 19, accusations), (unfair, None, set())):
        assert names(examine(replace(edited(evaluations=evaluations), num_agents=agents))) & accusations == expected


def test_who_is_never_fed_is_noticed_as_is_who_never_delivers() -> None:
    for share, expected in ((0.4, False), (0.02, True)):
        meals = {"test_meal_share_min": [share], "test_return_mean": [0.0, 0.9]}
        assert ("idle-agent" in names(examine(edited(evaluations=meals)))) is expected


def test_the_number_of_agents_is_read_from_a_recorded_episode(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert RunReader.open(run.path).num_agents is None
    append(run.recordings, {"env_steps": 1, "actions": [[0] * 19, [1] * 19]}, {"env_steps": 2, "actions": [[0]]})
    assert RunReader.open(run.path).num_agents == 19
    for damaged in ("", "[]", "{", '{"actions": 3}', '{"actions": []}', '{"actions": [3]}'):
        run.recordings.write_text(damaged)
        assert RunReader.open(run.path).num_agents is None


def test_every_check_is_tried_on_something_sick() -> None:
    assert len(SICK) == len(CHECKS)


@pytest.mark.parametrize("name", ["solve", "master"])
def test_the_tuned_presets_get_no_warning_at_any_moment(name: str) -> None:
    record = RunReader.open(RECORDED / name)
    assert {finding.severity for finding in findings(record)} <= {"note"}
    for until in record.evaluations["env_steps"]:
        assert {finding.severity for finding in examine(cut(record, until))} <= {"note"}


def test_training_may_lead_where_greedy_play_takes_off() -> None:
    gap = edited({"return_mean": [0.0, 2.0]}, {"test_return_mean": [0.0, 0.0, 0.4]})
    assert "train-test-gap" in names(examine(gap))
    count = len(gap.evaluations["env_steps"])
    rising = edited({"return_mean": [0.0, 2.0]}, {"test_return_mean": [0.0] * (count - 1) + [0.4]})
    assert "train-test-gap" not in names(examine(rising))
    begun = edited({"return_mean": [0.0, 0.0, 0.0, 1.0]}, {"test_return_mean": [0.0, 0.0]})
    assert "train-test-gap" not in names(examine(begun))


def test_solve_gets_not_even_a_note_at_any_moment() -> None:
    record = RunReader.open(RECORDED / "solve")
    assert findings(record) == []
    for until in record.evaluations["env_steps"]:
        assert examine(cut(record, until)) == []


def test_every_moment_of_every_run_can_be_judged() -> None:
    for folder in sorted(RECORDED.iterdir()):
        record = RunReader.open(folder)
        for until in np.linspace(0, record.env_steps, 12):
            examine(cut(record, until))


def cut(record: RunReader, until: float) -> History:
    """The run as it stood at some env step."""

    def columns(old: Columns) -> Edited:
        early = old["env_steps"] <= until
        return Edited(old, {name: old[name][early] for name in (*metrics(), "episodes")})

    return History(record.config, columns(record.metrics), columns(record.evaluations), "running")


def test_the_worst_comes_first() -> None:
    severities = [finding.severity for finding in examine(history("forgetful"))]
    assert severities == sorted(severities, key=("problem", "warning", "note").index)


def test_every_finding_has_a_document_and_every_document_a_finding() -> None:
    documents = {path.stem for path in DOCUMENTS.glob("*.md")}
    assert set(SICK) <= documents
    assert "unreadable" in documents  # what the doctor says of what it could not look at
    assert len(documents) == len(CHECKS) + len(BEFORE) + 1
