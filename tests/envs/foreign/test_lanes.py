"""Other people's environments behind our protocol: padded, masked, seeded, ended and refused as they should be."""

import pickle
from typing import Any

import numpy as np
import pytest

from lockstep.config.load import load_config
from lockstep.envs.foreign.factory import ForeignEnvFactory
from lockstep.envs.foreign.lanes import PythonLanes
from lockstep.envs.registry import make_env, make_vec
from lockstep.errors import UserError
from tests.envs.foreign import games

HERE = "tests.envs.foreign.games"


def lanes(name: str, num_envs: int = 1, seed: int = 0, time_limit: int | None = None, **arguments: Any) -> PythonLanes:
    env = make_vec(f"{HERE}:{name}", num_envs, seed, time_limit, **arguments)
    assert isinstance(env, PythonLanes)
    return env


def actions(*one_lane: int, num_envs: int = 1) -> Any:
    return np.array([one_lane] * num_envs)


def test_unequal_agents_are_padded_to_the_largest() -> None:
    env = lanes("Unequal")
    assert (env.spec.num_agents, env.spec.obs_dim, env.spec.num_actions, env.spec.time_limit) == (2, 3, 4, 9)
    obs = env.reset()
    drawn = np.float32(np.random.default_rng(0).random())
    assert obs[0].tolist() == [[drawn, drawn, 0.0], [drawn, drawn, drawn]]


def test_actions_beyond_an_agents_own_and_those_masked_by_the_world_are_unavailable() -> None:
    env = lanes("Unequal")
    env.reset()
    assert env.available_actions()[0].tolist() == [[True, True, False, False], [True, True, True, False]]  # type: ignore[index]
    with pytest.raises(UserError, match="long cannot take action 3 in lane 0"):
        env.step(actions(0, 3))


def test_an_agent_that_left_sees_nothing_earns_nothing_and_is_not_spoken_to() -> None:
    env = lanes("Unequal")
    env.reset()
    assert env.step(actions(1, 2)).reward.tolist() == [[1.0, 10.0]]
    assert env.step(actions(1, 2)).reward.tolist() == [[1.0, 10.0]]
    step = env.step(actions(0, 1))
    assert step.reward.tolist() == [[0.0, 10.0]]
    assert step.obs[0, 0].tolist() == [0.0, 0.0, 0.0]
    assert env.available_actions()[0, 0].tolist() == [True, False, False, False]  # type: ignore[index]
    assert env.teams[0].env.heard[-1] == {"long": 1}
    assert not (step.terminated | step.truncated).any()


@pytest.mark.parametrize(
    ("arguments", "length", "ending"),
    [({}, 4, "terminated"), ({"cut": True}, 4, "truncated"), ({"time_limit": 3}, 3, "truncated")],
)
def test_an_episode_ends_with_its_last_agent_or_its_time(arguments: Any, length: int, ending: str) -> None:
    env = lanes("Unequal", **arguments)
    env.reset()
    steps = [env.step(actions(0, 0))._asdict() for _ in range(1)]
    while not (steps[-1]["terminated"] | steps[-1]["truncated"])[0]:
        steps.append(env.step(actions(0, 0))._asdict())
    assert len(steps) == length
    assert [name for name in ("terminated", "truncated") if steps[-1][name][0]] == [ending]
    with pytest.raises(UserError, match="reset it before"):
        env.step(actions(0, 0))


def test_a_tuple_of_agents_is_a_team_and_its_own_clock_truncates() -> None:
    env = lanes("Twins")
    obs = env.reset()
    assert obs[0].tolist() == [[0, 1, 2, 3], [10, 11, 12, 13]]
    assert env.spec.obs_bits == (32, 32, 32, 32)  # what is declared is not believed
    steps = [env.step(actions(0, 2)) for _ in range(2)]
    assert steps[0].reward.tolist() == [[1.0, 2.0]]
    assert env.teams[0].env.unwrapped.heard[-1] == (5, 7)
    last = env.step(actions(0, 0))
    assert (last.terminated[0], last.truncated[0]) == (False, True)


def test_one_reward_for_all_counts_once() -> None:
    env = lanes("Twins", shared=True)
    env.reset()
    assert env.step(actions(0, 0)).reward.sum() == 7.0


def test_a_lane_draws_from_its_own_seed_and_goes_on_without_one() -> None:
    env = lanes("Unequal", num_envs=2, seed=3)
    first = env.reset().copy()
    second = env.reset(mask=np.array([False, True])).copy()
    rng = np.random.default_rng(4)
    assert first[1, 1, 0] == np.float32(rng.random())
    assert second[1, 1, 0] == np.float32(rng.random())
    assert second[0].tolist() == first[0].tolist()
    assert env.reset(seed=3).tolist() == first.tolist()


def test_a_factory_can_be_sent_elsewhere() -> None:
    factory = ForeignEnvFactory(f"{HERE}:Unequal", 5, {"steps": 2})
    team = pickle.loads(pickle.dumps(factory))()
    assert team.spec.time_limit == 5
    assert team.reset(0).obs.tolist() == factory().reset(0).obs.tolist()


@pytest.mark.parametrize(
    ("key", "arguments", "sentence"),
    [
        (f"{HERE}:Twins", {"box": True}, "actions of agent_0 are continuous"),
        (f"{HERE}:Twins", {"colour": 1}, "cannot be made with colour=1"),
        (f"{HERE}:in_turns", {}, "is played in turns"),
        (f"{HERE}:nothing", {}, "made 7, which is no"),
        (f"{HERE}:missing", {}, "has 'missing'"),
        ("no_such_module:env", {}, "there is no module no_such_module"),
        (".games:Unequal", {}, "is no module's name"),
        (":Unequal", {}, "is no module's name"),
        ("CartPole-v9", {}, "did you mean 'CartPole-v1'"),
        ("Pendulum-v1", {}, "continuous"),
        ("CartPole-v1", {"engine": "official"}, "its own package already"),
        ("CartPole-v1", {"time_limit": 0}, "time_limit=0"),
        ("pettingzoo:sisl/pursuit_v9", {}, "did you mean pursuit_v5"),
        ("mpe:simple_tug_v3", {}, "did you mean simple_tag_v3"),
        ("mpe:simple_crypto_v3", {"continuous_actions": True}, "eve_0 are continuous"),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_a_sentence(key: str, arguments: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make_vec(key, 1, **arguments)


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lbforaging", None)
    with pytest.raises(UserError, match=r"needs the package lbforaging.*pip install 'lockstep-marl\[worlds\]'"):
        make_vec("lbforaging:Maze-v0", 1)


def test_an_episode_without_a_known_end_is_refused() -> None:
    with pytest.raises(UserError, match=r"set env\.time_limit"):
        lanes("Endless")


def test_a_constructors_arguments_may_have_any_name() -> None:
    words = [f"env.arguments.{name}={number}" for number, name in enumerate(games.TAKEN_NAMES)]
    config = load_config("report-week1", [f"env.key={HERE}:WellNamed", "env.time_limit=4", *words])
    env = make_env(config.env, 1, seed=3)
    assert env.reset()[0, 0].tolist() == list(range(len(games.TAKEN_NAMES)))
    assert env.spec.time_limit == 4
    direct = make_vec(f"{HERE}:WellNamed", 1, arguments=config.env.arguments)
    assert direct.reset()[0, 0].tolist() == list(range(len(games.TAKEN_NAMES)))


@pytest.mark.parametrize("key", ["rware-tiny-2ag-v2", "mpe:simple_spread_v3", "Foraging-8x8-2p-2f-v3", "probe-coin"])
def test_our_own_worlds_refuse_such_names_in_a_sentence(key: str) -> None:
    for name in games.TAKEN_NAMES:
        with pytest.raises(UserError):
            make_vec(key, 1, arguments={name: 1})
