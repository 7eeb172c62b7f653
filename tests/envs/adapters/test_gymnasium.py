"""The Gymnasium faces: the single one is the official environment's double, the vector one keeps Gymnasium's rules."""

import subprocess
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics

import lockstep
from lockstep.envs.adapters.gymnasium import WarehouseEnv, WarehouseVectorEnv
from lockstep.envs.adapters.registration import register
from lockstep.envs.adapters.spaces import observation_space
from lockstep.envs.registry import make_vec
from lockstep.envs.rware.config import warehouse_config
from lockstep.envs.rware.keys import registered_keys
from lockstep.envs.rware.official import make_official
from lockstep.errors import UserError

KEY = "rware-tiny-2ag-v2"
ID = f"lockstep/{KEY}"

KINDS: list[dict[str, Any]] = [
    {},
    {"msg_bits": 2},
    {"observation_type": "image"},
    {"observation_type": "image_dict", "image_observation_directional": False},
    {"normalised_coordinates": True, "n_agents": 5},
]


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[name], b[name]) for name in a)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(equal(one, other) for one, other in zip(a, b, strict=True))
    return a.dtype == b.dtype and np.array_equal(a, b)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("arguments", KINDS)
def test_the_single_environment_is_a_drop_in_for_the_official_one(arguments: dict[str, Any]) -> None:
    ours = gymnasium.make(ID, **arguments).unwrapped
    official = make_official(warehouse_config(KEY, **arguments))
    assert ours.observation_space == official.observation_space
    assert ours.action_space == official.action_space
    assert equal(ours.reset(seed=8)[0], official.reset(seed=8)[0])
    ours.action_space.seed(1)
    for _ in range(1_100):
        action = ours.action_space.sample()
        a, b = ours.step(action), official.step(action)
        assert equal(a[0], b[0])
        assert a[1:] == b[1:]
        if a[2]:
            assert equal(ours.reset()[0], official.reset()[0])


def checked(id: str, **arguments: Any) -> None:
    """Gymnasium's own check, warnings being errors but for what the package does too."""
    inherited = "reward|seed. function is dropped|infinity|needs a display|precision|expecting a numpy array"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", f".*({inherited})")
        check_env(gymnasium.make(id, **arguments).unwrapped)


@pytest.mark.parametrize("arguments", [*KINDS, {"observation_type": "dict", "msg_bits": 1}])
def test_gymnasiums_own_check_passes(arguments: dict[str, Any]) -> None:
    checked(ID, **arguments)


@pytest.mark.slow
@pytest.mark.parametrize("key", list(registered_keys()))
def test_gymnasiums_own_check_passes_on_every_id(key: str) -> None:
    checked(f"lockstep/{key}")


def test_the_random_seed_is_the_one_that_was_given() -> None:
    single, many = gymnasium.make(ID).unwrapped, vector(3)
    for env in (single, many):
        first = env.np_random_seed
        assert first is not None
        assert first >= 0
        env.reset(seed=12)
        assert env.np_random_seed == 12
        env.reset()
        assert env.np_random_seed == 12
    many.reset(seed=[4, 5, 6])
    assert many.np_random_seed == 4


def test_the_seed_of_an_environment_nobody_seeded_makes_its_episode_again() -> None:
    for env in (WarehouseEnv(KEY), vector(3)):
        seed: Any = env.np_random_seed
        assert equal(env.reset()[0], env.reset(seed=seed)[0])


def test_make_vec_takes_gymnasiums_name_of_the_step_limit() -> None:
    env = vector(2, max_episode_steps=3)
    env.reset(seed=1)
    still = np.zeros((2, 2), dtype=np.int64)
    assert [bool(env.step(still)[3].all()) for _ in range(3)] == [False, False, True]
    with pytest.raises(UserError, match="two names"):
        vector(2, max_episode_steps=3, time_limit=4)


@pytest.mark.parametrize("face", [WarehouseEnv, WarehouseVectorEnv, lockstep.parallel_env])
def test_an_unknown_argument_is_a_type_error_with_a_hint(face: Any) -> None:
    with pytest.raises(TypeError, match="did you mean n_agents"):
        face(KEY, num_agents=3)
    with pytest.raises(TypeError, match="no argument"):
        face(KEY, nonsense=3)


class Screen:
    """What a window needs of tkinter, noting what is shown."""

    class TclError(Exception):
        pass

    def __init__(self, there: bool = True) -> None:
        self.there, self.shown, self.open = there, [], False  # type: ignore[var-annotated]

    def Tk(self) -> Any:  # noqa: N802, as in tkinter
        if not self.there:
            raise self.TclError("no display name and no $DISPLAY environment variable")
        self.open = True
        return self

    def PhotoImage(self, master: Any, data: bytes) -> bytes:  # noqa: N802, as in tkinter
        return data

    def Label(self, root: Any) -> Any:  # noqa: N802, as in tkinter
        return self

    def pack(self) -> None: ...

    def title(self, text: str) -> None:
        self.name = text

    def configure(self, image: bytes) -> None:
        self.shown.append(image)

    def update(self) -> None:
        if not self.open:
            raise self.TclError("application has been destroyed")

    def destroy(self) -> None:
        self.open = False


def test_a_window_shows_every_reset_and_step(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setitem(sys.modules, "tkinter", screen)
    monkeypatch.setattr("lockstep.envs.adapters.window.FRAMES_PER_SECOND", 1e6)
    env = WarehouseEnv(KEY, render_mode="human")
    env.reset(seed=1)
    env.step([1, 2])
    assert env.render() is None
    assert len(screen.shown) == 2
    assert screen.shown[0].startswith(b"P6 240 264 255 ")
    screen.open = False  # somebody closes it
    env.step([1, 2])
    env.step([1, 2])
    assert len(screen.shown) == 3
    env.close()


def test_without_a_display_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tkinter", Screen(there=False))
    for env in (WarehouseEnv(KEY, render_mode="human"), lockstep.parallel_env(KEY, render_mode="human")):
        with pytest.warns(UserWarning, match="needs a display"):
            env.reset(seed=1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            env.reset(seed=2)
            assert env.render() is None


def test_the_packages_way_of_asking_for_a_picture_works() -> None:
    env = WarehouseEnv(KEY)
    env.reset(seed=1)
    assert env.render() is None
    picture = env.render(mode="rgb_array")
    assert picture is not None
    assert picture.shape == (264, 240, 3)


def test_an_environment_nobody_seeded_starts_differently_every_time() -> None:
    first, second = (gymnasium.make(ID).unwrapped.reset()[0] for _ in range(2))
    assert not equal(first, second)


def test_a_picture_needs_no_display() -> None:
    env = gymnasium.make(ID, render_mode="rgb_array")
    env.reset(seed=0)
    picture: Any = env.render()
    assert picture.shape == (11 * 24, 10 * 24, 3)
    assert picture.dtype == np.uint8
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 5
    with pytest.raises(UserError, match="rgb_array"):
        WarehouseEnv(KEY, render_mode="ansi")


def vector(num_envs: int = 4, **arguments: Any) -> WarehouseVectorEnv:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make_vec(ID, num_envs=num_envs, **arguments)
    assert isinstance(env, WarehouseVectorEnv)
    return env


def test_a_vector_environment_declares_itself() -> None:
    env = vector()
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert env.single_observation_space == observation_space(warehouse_config(KEY), 2)
    obs, _ = env.reset(seed=1)
    assert obs in env.observation_space
    env.action_space.seed(0)
    actions = env.action_space.sample()
    obs, reward, terminated, truncated, infos = env.step(actions)
    assert obs in env.observation_space
    assert [array.shape for array in (reward, terminated, truncated)] == [(4,)] * 3
    assert reward.dtype == np.float64
    assert terminated.dtype == np.bool_
    assert np.array_equal(infos["agent_rewards"].sum(-1), reward)


def test_message_bits_and_pictures_come_through() -> None:
    env = vector(2, msg_bits=1, render_mode="rgb_array")
    env.reset(seed=1)
    env.step(env.action_space.sample())
    frames = env.render()
    assert frames is not None
    assert len(frames) == 2


def test_next_step_resets_a_finished_lane_in_the_step_after() -> None:
    env, plain = vector(3, time_limit=2), make_vec(KEY, 3, seed=5, time_limit=2)
    still = np.zeros((3, 2), dtype=np.int64)
    env.reset(seed=5), plain.reset()
    env.step(still)
    final, _, terminated, truncated, _ = env.step(still)
    assert truncated.all()
    assert not terminated.any()
    for _ in range(2):
        last = plain.step(still).obs
    assert np.array_equal(final, last)
    fresh, reward, _, truncated, infos = env.step(still)
    assert np.array_equal(fresh, plain.reset())
    assert not any(array.any() for array in (reward, truncated, infos["_agent_rewards"]))


def test_same_step_resets_at_once_and_keeps_the_final_observation() -> None:
    env, plain = vector(3, time_limit=1, autoreset_mode="SameStep"), make_vec(KEY, 3, seed=5, time_limit=1)
    still = np.zeros((3, 2), dtype=np.int64)
    env.reset(seed=5), plain.reset()
    obs, _, _, truncated, infos = env.step(still)
    assert truncated.all()
    assert np.array_equal(infos["final_obs"], plain.step(still).obs)
    assert np.array_equal(obs, plain.reset())


def test_disabled_autoreset_waits_for_a_reset_mask() -> None:
    env = vector(2, time_limit=1, autoreset_mode=AutoresetMode.DISABLED)
    still = np.zeros((2, 2), dtype=np.int64)
    env.reset(seed=5)
    env.step(still)
    with pytest.raises(UserError, match="finished"):
        env.step(still)
    env.reset(options={"reset_mask": np.array([True, True])})
    env.step(still)


def test_a_list_of_seeds_seeds_every_lane_by_itself() -> None:
    env = vector(3)
    obs, _ = env.reset(seed=[7, 7, 9])
    assert np.array_equal(obs[0], obs[1])
    assert np.array_equal(obs[2], make_vec(KEY, 1, seed=9).reset()[0])
    with pytest.raises(UserError, match="one a lane"):
        env.reset(seed=[1, 2])


def test_gymnasiums_wrappers_work_on_it() -> None:
    env = RecordEpisodeStatistics(vector(4, time_limit=5))
    env.reset(seed=1)
    for _ in range(5):
        *_, infos = env.step(env.action_space.sample())
    assert infos["episode"]["l"].tolist() == [5, 5, 5, 5]


def test_returned_arrays_last() -> None:
    env = vector()
    obs, _ = env.reset(seed=1)
    kept = obs.copy()
    env.step(np.ones((4, 2), dtype=np.int64))
    assert np.array_equal(obs, kept)


def test_registering_again_does_nothing() -> None:
    before = len(gymnasium.registry)
    register()
    assert len(gymnasium.registry) == before


class OneTeam(gymnasium.Env[Any, Any]):
    """One official warehouse as Gymnasium's own vector environment wants it: an array seen, a number earned."""

    def __init__(self, **arguments: Any) -> None:
        self.env = make_vec(KEY, 1, engine="official", **arguments)
        config = warehouse_config(KEY, **arguments)
        self.observation_space = observation_space(config, 2)
        self.action_space = gymnasium.spaces.MultiDiscrete([5, 5])

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return self.env.reset(seed)[0].copy(), {}

    def step(self, action: Any) -> Any:
        step = self.env.step(np.asarray(action)[None])
        return step.obs[0].copy(), float(step.reward.sum()), bool(step.terminated[0]), bool(step.truncated[0]), {}


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_it_does_what_gymnasiums_own_vector_environment_does_with_official_ones(mode: AutoresetMode) -> None:
    arguments = {"time_limit": 9, "max_inactivity_steps": 7, "layout": "xx\n..\n.g", "request_queue_size": 1}
    theirs = gymnasium.vector.SyncVectorEnv([lambda: OneTeam(**arguments)] * 3, autoreset_mode=mode)
    ours = vector(3, autoreset_mode=mode, **arguments)
    assert ours.single_observation_space == theirs.single_observation_space
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert np.array_equal(ours.reset(seed=6)[0], theirs.reset(seed=6)[0])
    rng = np.random.default_rng(0)
    finals = 0
    for _ in range(120):
        actions = rng.choice(5, size=(3, 2), p=[0.0, 0.5, 0.1, 0.1, 0.3])
        a, b = ours.step(actions), theirs.step(actions)
        for one, other in zip(a[:4], b[:4], strict=True):
            assert one.dtype == other.dtype
            assert np.array_equal(one, other)
        assert ("final_obs" in a[4]) == ("final_obs" in b[4])
        if "final_obs" in b[4]:
            assert np.array_equal(a[4]["_final_obs"], b[4]["_final_obs"])
            for lane in np.flatnonzero(b[4]["_final_obs"]):
                finals += 1
                assert np.array_equal(a[4]["final_obs"][lane], b[4]["final_obs"][lane])
    assert (finals > 0) == (mode is AutoresetMode.SAME_STEP)


@pytest.mark.parametrize("module", ["lockstep.envs.adapters.gymnasium", "lockstep.envs.gymnasium"])
def test_gymnasium_finds_the_ids_by_their_module(module: str) -> None:
    script = (
        f"import gymnasium; name = '{module}:lockstep/rware-tiny-2ag-v2';"
        "print(len(gymnasium.make(name).reset(seed=1)[0]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"
