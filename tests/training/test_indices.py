"""Whatever becomes an index in compiled code is an index of the task: settings, files, worlds, teams."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockstep.acting.exploration import Explorer, Script
from lockstep.acting.forward import no_weights
from lockstep.cli import main
from lockstep.config.load import load_config
from lockstep.config.schema import ExplorationConfig, NetworkConfig, ReplayConfig
from lockstep.envs.onset_memory import remembering
from lockstep.envs.registry import make_vec
from lockstep.errors import UserError
from lockstep.experience.replay import build_replay
from lockstep.experience.rollout import collect
from lockstep.networks.agents import build_agent
from lockstep.networks.greedy_policy import FrozenPolicy, GreedyPolicy
from lockstep.show.live.film import play_again
from lockstep.spec import EnvSpec

KEY = "rware-tiny-2ag-v2"


@pytest.mark.parametrize("wrong", ["[5]", "[255]", "[1, 99]", "[70000]"])
def test_a_held_action_that_does_not_exist_is_refused_before_there_is_a_run(
    wrong: str, tmp_path: Path, capsys: Any
) -> None:
    words = ["repeat_max_steps=3", f"exploration.repeat_actions={wrong}"]
    assert main(["train", "smoke", *words, "--no-doctor", "--out", str(tmp_path / "run")]) == 2
    assert "actions 0 to 4" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_explorer_refuses_actions_that_its_world_does_not_have() -> None:
    config = ExplorationConfig(repeat_max_steps=3, repeat_actions=(2,))
    with pytest.raises(UserError, match="actions 0 to 1"):
        Explorer(config, np.ones(1), num_agents=1, num_actions=2, rng=np.random.default_rng(1))


@pytest.mark.parametrize("flag", [-1, 0, 71])
def test_a_remembered_flag_must_be_one(flag: int) -> None:
    with pytest.raises(UserError, match="names no flag"):
        remembering(make_vec(KEY, 1), (flag,))


@pytest.mark.parametrize("action", [5, 99, -2])
def test_a_script_with_another_action_is_not_played(action: int) -> None:
    env = make_vec(KEY, 1, time_limit=3)
    script = Script(np.full((3, 1, 2), action))
    with pytest.raises(UserError, match="There is no action"):
        collect(env, FrozenPolicy(lambda: no_weights(71, 2)), script, seed=1)


def team_for(spec: EnvSpec, **network: Any) -> GreedyPolicy:
    config = NetworkConfig(hidden_dim=4, **network)
    return GreedyPolicy(build_agent(spec, config), spec, config)


OTHER_TASKS = pytest.mark.parametrize("change", [{"num_agents": 1}, {"num_actions": 6}, {"obs_dim": 70}])


def made_for(spec: EnvSpec, change: dict[str, int]) -> GreedyPolicy:
    changed: dict[str, Any] = {**change, "obs_bits": (1,) * change.get("obs_dim", 71)}
    other = replace(spec, **changed)
    return team_for(other, last_action=True)


@OTHER_TASKS
def test_a_team_of_another_task_does_not_play(change: dict[str, int]) -> None:
    env = make_vec(KEY, 1, time_limit=3)
    with pytest.raises(UserError, match="another task"):
        collect(env, made_for(env.spec, change), seed=1)


@OTHER_TASKS
def test_a_team_of_another_task_does_not_act(change: dict[str, int]) -> None:
    env = make_vec(KEY, 1, time_limit=3)
    team, obs, available = made_for(env.spec, change), env.reset(1), np.ones((1, 2, 5), dtype=bool)
    with pytest.raises(UserError, match="another task"):
        team.act(obs, available, np.full((1, 2), 4), None)


def test_an_episode_with_other_actions_is_not_remembered() -> None:
    env = make_vec("probe-coin", 2)
    batch = collect(env, team_for(env.spec), seed=1)
    replay = build_replay(env.spec, ReplayConfig(), torch.device("cpu"))
    with pytest.raises(UserError, match="no action 7"):
        replay.add(replace(batch, actions=torch.full_like(batch.actions, 7)))


@pytest.mark.parametrize(
    ("name", "value"), [("robots", 10_000), ("looks", 255), ("shelves", -1), ("queue", 999), ("queue", 0)]
)
def test_a_state_that_no_warehouse_can_be_in_is_refused(name: str, value: int) -> None:
    env: Any = make_vec(KEY, 1)
    env.reset(1)
    state = env.get_state()
    with pytest.raises(UserError, match="Set it where it was taken"):
        env.set_state({**state, name: np.full_like(state[name], value)})


@pytest.mark.parametrize("actions", [[[5, 0]], [[-1, 0]], [[0]], [[0, 0, 0]], [[10**30, 0]], [[0, 0]] * 41])
def test_a_recording_with_other_actions_is_not_played_again(actions: list[list[int]]) -> None:
    row = {"env_steps": 1, "seed": 1, "actions": actions, "return": 0.0}
    with pytest.raises(UserError):
        play_again(load_config("smoke"), row)
