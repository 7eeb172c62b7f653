"""The simulator keeps the VectorEnv protocol, and refuses what it cannot do without touching anything."""

from typing import Any

import numpy as np
import pytest

from lockstep.envs.registry import make_vec
from lockstep.envs.rware import simulator as simulator_module
from lockstep.envs.rware.simulator import Simulator
from lockstep.errors import UserError

KEY = "rware-tiny-4ag-v2"


def simulator(num_envs: int = 8, key: str = KEY, **arguments: Any) -> Simulator:
    env = make_vec(key, num_envs, **arguments)
    assert isinstance(env, Simulator)
    env.reset()
    return env


def actions_for(env: Simulator, seed: int = 0, steps: int | None = None) -> np.ndarray:
    """Nasty ones: forward moves and loads mostly."""
    shape = (env.num_envs, env.spec.num_agents) if steps is None else (steps, env.num_envs, env.spec.num_agents)
    return np.random.default_rng(seed).choice(5, size=shape, p=[0.05, 0.5, 0.1, 0.1, 0.25])


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in a)


def test_observations_have_the_shape_that_the_spec_says() -> None:
    env = simulator(3)
    assert env.reset().shape == (3, 4, 71) == (3, env.spec.num_agents, env.spec.obs_dim)
    assert env.reset().dtype == np.float32


def test_observations_fit_into_the_bits_that_the_spec_says() -> None:
    layers = ("shelves", "requests", "agents", "agent_direction", "agent_load", "goals", "accessible")
    square = {"layout": "xx..\nxx..\n...g\n....", "request_queue_size": 1}
    image = {"observation_type": "image_dict", "image_observation_layers": layers} | square
    for arguments in ({}, {"msg_bits": 2}, image):
        env = simulator(16, **arguments)
        bits = np.array(env.spec.obs_bits)
        for step in range(20):
            actions = actions_for(env, step)
            if env.config.msg_bits:
                actions = np.stack([actions, actions % 2, actions % 2], axis=-1)
            obs = env.step(actions).obs
            assert set(np.unique(obs[..., bits == 1])) <= {0.0, 1.0}
            assert np.array_equal(obs[..., bits == 8], obs[..., bits == 8].astype(np.uint8))


def test_a_step_limit_truncates_and_idleness_terminates() -> None:
    env = simulator(1, time_limit=3, max_inactivity_steps=2)
    still = np.zeros((1, 4), dtype=np.int64)
    assert not env.step(still).terminated[0]
    idle = env.step(still)
    assert (bool(idle.terminated[0]), bool(idle.truncated[0])) == (True, False)
    env = simulator(1, time_limit=1)
    ended = env.step(still)
    assert (bool(ended.terminated[0]), bool(ended.truncated[0])) == (False, True)


def test_the_last_observation_is_of_the_episode_that_ended() -> None:
    a, b = simulator(2, seed=3, time_limit=1), simulator(2, seed=3)
    actions = actions_for(a)
    assert np.array_equal(a.step(actions).obs, b.step(actions).obs)


def test_lanes_outside_the_mask_stay_as_they_are() -> None:
    env = simulator(6)
    env.step(actions_for(env))
    before, obs = env.get_state(), env.observe().copy()
    mask = np.array([True, False] * 3)
    ended = env.step(actions_for(env, 1), mask=mask)
    after = env.get_state()
    for name in before:
        assert np.array_equal(before[name][1::2], after[name][1::2])
    assert np.array_equal(ended.obs[1::2], obs[1::2])
    assert not ended.reward[1::2].any()
    env.reset(mask=mask)
    assert np.array_equal(env.get_state()["streams"][1::2], before["streams"][1::2])
    assert np.array_equal(env.observe()[1::2], obs[1::2])


def test_actions_outside_the_mask_do_not_matter() -> None:
    env = simulator(2)
    env.step(np.array([[1, 1, 1, 1], [-7, 99, 0, 0]]), mask=np.array([True, False]))


def test_a_state_continues_exactly_elsewhere() -> None:
    env = simulator(5, seed=1)
    for step in range(30):
        env.step(actions_for(env, step))
    twin = simulator(5, seed=99)
    twin.set_state(env.get_state())
    assert np.array_equal(twin.observe(), env.observe())
    for step in range(200):
        a, b = env.step(actions_for(env, step)), twin.step(actions_for(env, step))
        assert np.array_equal(a.obs, b.obs)
        assert np.array_equal(a.reward, b.reward)
    env.reset(), twin.reset()
    assert same(env.get_state(), twin.get_state())


def test_a_state_is_a_copy() -> None:
    env = simulator(2)
    state = env.get_state()
    before = {name: array.copy() for name, array in state.items()}
    env.step(actions_for(env))
    assert same(state, before)


def test_some_lanes_can_be_taken_out_and_put_back_elsewhere() -> None:
    env = simulator(6, seed=4)
    for step in range(20):
        env.step(actions_for(env, step))
    few = simulator(2)
    few.set_state(env.get_state(lanes=np.array([5, 2])))
    assert np.array_equal(few.observe(), env.observe()[[5, 2]])
    env.set_state(few.get_state(), lanes=np.array([0, 1]))
    assert np.array_equal(env.observe()[[0, 1]], env.observe()[[5, 2]])


def test_a_copied_lane_is_a_twin() -> None:
    env = simulator(6, seed=4)
    env.step(actions_for(env))
    env.copy_lanes(np.array([0, 0, 1]), np.array([3, 4, 5]))
    for step in range(100):
        actions = actions_for(env, step)
        actions[[3, 4, 5]] = actions[[0, 0, 1]]
        obs = env.step(actions).obs
        assert np.array_equal(obs[[3, 4, 5]], obs[[0, 0, 1]])


def test_blind_play_earns_what_steps_earn() -> None:
    seen, blind = (simulator(64, seed=7, layout="xx\n..\n.g", n_agents=2, request_queue_size=1) for _ in range(2))
    actions = actions_for(seen, 3, steps=120)
    rewards = blind.play(actions.astype(np.int8))
    for t, now in enumerate(actions):
        assert np.array_equal(seen.step(now).reward, rewards[t])
    assert rewards.sum() > 0
    assert same(seen.get_state(), blind.get_state())


def test_blind_play_stops_at_the_end_of_an_episode() -> None:
    env = simulator(4, time_limit=10)
    assert not env.play(actions_for(env, steps=30))[10:].any()
    assert env.snapshot(0).steps == 10
    with pytest.raises(UserError, match="finished"):
        env.step(actions_for(env))


def test_threads_do_not_change_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator_module, "ROBOTS_PER_THREAD", 8)
    one, three = simulator(50, seed=2, num_threads=1), simulator(50, seed=2, num_threads=3)
    for step in range(50):
        mask = np.random.default_rng(step).random(50) < 0.8
        a, b = one.step(actions_for(one, step), mask), three.step(actions_for(one, step), mask)
        assert np.array_equal(a.obs, b.obs)
    assert same(one.get_state(), three.get_state())
    three.close()
    three.step(actions_for(one))


def test_a_snapshot_draws_itself() -> None:
    env = simulator(1, layout="xx.g", n_agents=1, request_queue_size=1)
    picture = env.snapshot(0).text()
    assert picture.count("s") + picture.count("R") == 2
    assert any(heading in picture for heading in "^v<>")


FINE = np.ones((8, 4), dtype=np.int64)
BAD_STEPS = [
    (FINE[:, :3], None, "shape"),
    (FINE.astype(float), None, "integers"),
    (FINE + 4, None, "Action 5"),
    (FINE - 2, None, "Action -1"),
    (FINE.astype(bool), None, "integers"),
    ([[1, 2], [3]], None, "shape"),
    ("go", None, "shape"),
    (FINE, np.ones(7, dtype=bool), "mask"),
    (FINE, np.ones(8, dtype=int), "mask"),
]


@pytest.mark.parametrize(("actions", "mask", "word"), BAD_STEPS)
def test_a_wrong_step_is_refused_and_nothing_changes(actions: Any, mask: Any, word: str) -> None:
    env = simulator(8)
    before = env.get_state()
    with pytest.raises(UserError, match=word):
        env.step(actions, mask)
    assert same(before, env.get_state())


@pytest.mark.parametrize(("actions", "mask", "word"), [case for case in BAD_STEPS if case[1] is None])
def test_the_official_engine_refuses_the_same(actions: Any, mask: Any, word: str) -> None:
    env = make_vec(KEY, 8, engine="official")
    env.reset()
    with pytest.raises(UserError, match=word):
        env.step(actions)


def test_finished_lanes_and_those_never_begun_are_not_stepped() -> None:
    env = make_vec(KEY, 8)
    with pytest.raises(UserError, match="Lane 0 has finished its episode, or never began one"):
        env.step(FINE)
    env.reset(mask=np.arange(8) < 4)
    with pytest.raises(UserError, match="Lane 4"):
        env.step(FINE)
    env.step(FINE, mask=np.arange(8) < 4)


@pytest.mark.parametrize("lanes", [[8], [-1], [0.5], [[1]]])
def test_lanes_that_do_not_exist_are_refused(lanes: Any) -> None:
    env = simulator(8)
    before = env.get_state()
    for call in (lambda: env.get_state(lanes), lambda: env.copy_lanes(lanes, [0]), lambda: env.copy_lanes([0], lanes)):
        with pytest.raises(UserError):
            call()
    assert same(before, env.get_state())


def test_a_lane_is_not_copied_to_twice() -> None:
    with pytest.raises(UserError, match="different"):
        simulator(8).copy_lanes([0, 1], [2, 2])


def test_states_from_elsewhere_are_refused_and_nothing_changes() -> None:
    env = simulator(8)
    before = env.get_state()
    for state in ({}, simulator(7).get_state(), simulator(8, "rware-small-4ag-v2").get_state()):
        with pytest.raises(UserError):
            env.set_state(state)
    assert same(before, env.get_state())


def test_message_bits_other_than_0_and_1_are_refused() -> None:
    env = simulator(1, msg_bits=1)
    with pytest.raises(UserError, match="bits"):
        env.step(np.full((1, 4, 2), 2))
