"""What the official package's own tests claim of its warehouse, claimed of ours, by the package's names.

Its four files are about the environment's spaces and endings, about goals, about movement, and about its wrappers.
"""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from rware.utils.wrappers import DictAgents, FlattenAgents
from rware.warehouse import Action, Direction, ImageLayer, ObservationType, RewardType

from lockstep.envs.adapters.gymnasium import WarehouseEnv
from lockstep.envs.rware.config import WarehouseConfig
from lockstep.envs.rware.official import make_official
from tests.envs.adapters.placing import Standing, put

UP, DOWN, LEFT, RIGHT = (way.value for way in (Direction.UP, Direction.DOWN, Direction.LEFT, Direction.RIGHT))
GO = Action.FORWARD
Place = tuple[int, int]

LARGE = {"shelf_columns": 3, "column_height": 8, "shelf_rows": 3, "request_queue_size": 5, "max_steps": None}
"""29 x 10 cells."""
NARROW = {"shelf_columns": 1, "column_height": 3, "shelf_rows": 3, "request_queue_size": 5, "max_steps": None}
"""14 x 4 cells."""


def warehouse(*robots: Standing, requested: list[int] | None = None, **arguments: Any) -> WarehouseEnv:
    """A large one with robots put down by hand."""
    env = WarehouseEnv(n_agents=len(robots), **{**LARGE, "reward_type": RewardType.GLOBAL, **arguments})
    env.reset(seed=1)
    put(env.simulator, robots, requested)
    return env


def narrow(n_agents: int, **arguments: Any) -> WarehouseEnv:
    env = WarehouseEnv(n_agents=n_agents, **{**NARROW, "reward_type": RewardType.GLOBAL, **arguments})
    env.reset(seed=1)
    env.action_space.seed(1)
    return env


def places(env: WarehouseEnv) -> list[Place]:
    return [(robot.x, robot.y) for robot in env.agents]


def ended(env: WarehouseEnv, action: Action = Action.NOOP) -> bool:
    _, _, done, truncated, _ = env.step([action] * env.n_agents)
    assert truncated is False
    return done


# The environment


@pytest.mark.parametrize(("columns", "width"), [(1, 4), (3, 10)])
def test_the_floors_size_follows_from_its_shelves(columns: int, width: int) -> None:
    assert narrow(1, shelf_columns=columns).grid_size == (14, width)


@pytest.mark.parametrize(("n_agents", "bits"), [(2, 0), (2, 1), (2, 2), (10, 5)])
def test_every_robot_chooses_an_action_and_its_message_bits(n_agents: int, bits: int) -> None:
    env = narrow(n_agents, msg_bits=bits)
    one = spaces.MultiDiscrete([len(Action), *[2] * bits]) if bits else spaces.Discrete(len(Action))
    assert env.action_space == spaces.Tuple([one] * n_agents)
    env.step(env.action_space.sample())


def test_dictionaries_lie_in_their_space() -> None:
    env = narrow(10, msg_bits=5, observation_type=ObservationType.DICT)
    obs, _ = env.reset(seed=3)
    for _ in range(50):
        assert env.observation_space.contains(obs)
        obs, *_ = env.step(env.action_space.sample())


@pytest.mark.parametrize("kind", [ObservationType.FLATTENED, ObservationType.IMAGE, ObservationType.IMAGE_DICT])
def test_observations_lie_in_their_space(kind: ObservationType) -> None:
    env = narrow(10, msg_bits=5, observation_type=kind)
    for _ in range(200):
        obs, *_ = env.step(env.action_space.sample())
        assert env.observation_space.contains(obs)


@pytest.mark.parametrize(("n_agents", "bits"), [(2, 0), (3, 0), (3, 2), (10, 5)])
def test_the_dictionaries_are_the_flat_vector_nested(n_agents: int, bits: int) -> None:
    flat, nested = (
        narrow(n_agents, msg_bits=bits, observation_type=kind)
        for kind in (ObservationType.FLATTENED, ObservationType.DICT)
    )
    parts: Any = nested.observation_space
    for _ in range(10):
        actions = flat.action_space.sample()
        vectors, dictionaries = flat.step(actions)[0], nested.step(actions)[0]
        for space, vector, dictionary in zip(parts, vectors, dictionaries, strict=True):
            assert len(vector) == 8 + 9 * (7 + bits)
            assert plain(spaces.flatten(space, dictionary))[1] == vector.tolist()


IDLE_FOR_TEN: dict[str, Any] = {"max_inactivity_steps": 10, "requested": [1]}
LOADED_BEFORE_THE_GOAL: Standing = (4, 27, DOWN, 1)


def test_ten_idle_steps_end_an_episode_and_so_they_do_the_next() -> None:
    env = warehouse(LOADED_BEFORE_THE_GOAL, **IDLE_FOR_TEN)
    for _ in range(2):
        assert [ended(env) for _ in range(10)] == [False] * 9 + [True]
        env.reset()


def test_a_delivery_starts_the_patience_anew() -> None:
    env = warehouse(LOADED_BEFORE_THE_GOAL, **IDLE_FOR_TEN)
    assert not any(ended(env) for _ in range(4))
    _, rewards, *_ = env.step([GO])
    assert rewards == [1.0]
    assert [ended(env) for _ in range(10)] == [False] * 9 + [True]


@pytest.mark.parametrize("limit", [1, 100, 200])
def test_an_episode_has_as_many_steps_as_allowed(limit: int) -> None:
    env = narrow(10, max_steps=limit)
    assert [ended(env) for _ in range(limit)] == [False] * (limit - 1) + [True]


@pytest.mark.parametrize("seed", range(5))
def test_a_seed_brings_the_same_episodes_again(seed: int) -> None:
    env = warehouse(LOADED_BEFORE_THE_GOAL)

    def episodes() -> list[Any]:
        env.seed(seed)
        seen = []
        for _ in range(5):
            obs, _ = env.reset()
            robots = [(robot.x, robot.y, robot.carrying_shelf, robot.has_delivered) for robot in env.agents]
            queue = [shelf.id for shelf in env.request_queue]
            seen.append((obs[0].tolist(), env.grid.tolist(), env.highways.tolist(), queue, robots))
        return seen

    assert episodes() == episodes()


# Goals


def test_the_goals_are_two_at_the_bottom_in_the_middle() -> None:
    assert warehouse(LOADED_BEFORE_THE_GOAL).goals == [(4, 28), (5, 28)]


@pytest.mark.parametrize(
    ("reward_type", "earned"),
    [(RewardType.GLOBAL, [1.0, 1.0]), (RewardType.INDIVIDUAL, [1.0, 0.0]), (RewardType.TWO_STAGE, [0.5, 0.0])],
)
def test_a_requested_shelf_on_a_goal_pays(reward_type: RewardType, earned: list[float]) -> None:
    env = warehouse(LOADED_BEFORE_THE_GOAL, (3, 3, DOWN, 0), requested=[1], reward_type=reward_type)
    assert env.reward_type is reward_type
    assert env.request_queue[0] == env.shelfs[0]
    _, rewards, *_ = env.step([GO, Action.NOOP])
    assert places(env)[0] == (4, 28)
    assert env.request_queue[0] != env.shelfs[0]
    assert rewards == earned


def test_turning_back_before_the_goal_pays_nothing() -> None:
    env = warehouse(LOADED_BEFORE_THE_GOAL, requested=[1])
    for action in (Action.LEFT, Action.LEFT, GO):
        assert env.step([action])[1] == [0.0]
    assert places(env) == [(4, 26)]
    assert env.request_queue[0] == env.shelfs[0]


def test_the_second_half_is_paid_when_the_shelf_is_put_back() -> None:
    env = warehouse((4, 27, DOWN, 1), (3, 3, DOWN, 0), requested=[1], reward_type=RewardType.TWO_STAGE)
    assert env.step([GO, Action.NOOP])[1] == [0.5, 0.0]
    state = env.simulator.get_state()
    put(env.simulator, [(1, 1, DOWN, 1), (3, 3, DOWN, 0)])
    moved = env.simulator.get_state()
    moved["robots"][0, 0, 3] = state["robots"][0, 0, 3]  # it has delivered
    env.simulator.set_state(moved)
    assert env.step([Action.TOGGLE_LOAD, Action.NOOP])[1] == [0.5, 0.0]
    assert env.step([Action.TOGGLE_LOAD, Action.NOOP])[1] == [0.0, 0.0]


# Movement


@pytest.mark.parametrize(("direction", "place"), [(DOWN, (4, 26)), (UP, (4, 24)), (LEFT, (3, 25)), (RIGHT, (5, 25))])
def test_forward_goes_where_the_robot_looks(direction: int, place: Place) -> None:
    env = warehouse((4, 25, direction, 0))
    env.step([GO])
    assert places(env) == [place]


def test_an_empty_robot_drives_under_shelves_to_the_wall() -> None:
    env = warehouse((0, 25, RIGHT, 0))
    for step in range(10):
        env.step([GO])
        assert places(env) == [(min(step + 1, 9), 25)]


@pytest.mark.parametrize("standing", [(4, 0, UP, 0), (4, 28, DOWN, 0), (9, 25, RIGHT, 0), (0, 25, LEFT, 0)])
def test_walls_are_the_end(standing: Standing) -> None:
    env = warehouse(standing)
    env.step([GO])
    assert places(env) == [standing[:2]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((4, 25, RIGHT, 0), (5, 25, LEFT, 0)),
        ((4, 25, RIGHT, 1), (5, 25, LEFT, 0)),
        ((4, 25, RIGHT, 1), (5, 25, LEFT, 2)),
        ((3, 25, LEFT, 1), (2, 25, RIGHT, 0)),
    ],
)
def test_two_head_on_stay_loaded_or_not(one: Standing, other: Standing) -> None:
    env = warehouse(one, other)
    env.step([GO, GO])
    assert places(env) == [one[:2], other[:2]]


def test_a_line_moves_together() -> None:
    env = warehouse((3, 25, RIGHT, 0), (4, 25, RIGHT, 0))
    env.step([GO, GO])
    assert places(env) == [(4, 25), (5, 25)]


def test_a_line_before_a_wall_stays() -> None:
    env = warehouse((8, 25, RIGHT, 0), (9, 25, RIGHT, 0))
    env.step([GO, GO])
    assert places(env) == [(8, 25), (9, 25)]


def test_a_line_goes_before_the_one_from_the_side() -> None:
    env = warehouse((3, 25, RIGHT, 0), (4, 25, RIGHT, 0), (5, 26, UP, 0))
    env.step([GO] * 3)
    assert places(env) == [(4, 25), (5, 25), (5, 26)]


RING: list[Standing] = [(3, 25, RIGHT, 0), (4, 25, UP, 0), (4, 24, LEFT, 0), (3, 24, DOWN, 0)]


@pytest.mark.parametrize("behind", [[], [(5, 24, LEFT, 0)]])
def test_a_ring_turns_and_whoever_comes_from_outside_waits(behind: list[Standing]) -> None:
    env = warehouse(*RING, *behind)
    env.step([GO] * (4 + len(behind)))
    assert places(env) == [(4, 25), (4, 24), (3, 24), (3, 25), *(standing[:2] for standing in behind)]


CLOCKWISE = [Direction.UP, Direction.RIGHT, Direction.DOWN, Direction.LEFT]


@pytest.mark.parametrize("way", CLOCKWISE)
@pytest.mark.parametrize(("action", "by"), [(Action.RIGHT, 1), (Action.LEFT, -1)])
def test_turning_turns_on_the_spot(way: Direction, action: Action, by: int) -> None:
    env = warehouse((4, 25, way.value, 0))
    env.step([action])
    assert places(env) == [(4, 25)]
    assert env.agents[0].dir is CLOCKWISE[(CLOCKWISE.index(way) + by) % 4]


def test_a_carried_shelf_comes_along() -> None:
    env = warehouse((4, 25, DOWN, 1))
    env.step([GO])
    assert places(env) == [(4, 26)]
    assert env.agents[0].carrying_shelf == env.shelfs[0]
    assert (env.shelfs[0].x, env.shelfs[0].y) == (4, 26)


def test_a_carried_shelf_does_not_push_a_standing_one() -> None:
    env = warehouse((3, 25, LEFT, 1))
    env.step([GO])
    assert places(env) == [(3, 25)]
    assert (env.shelfs[0].x, env.shelfs[0].y) == (3, 25)


def test_loaded_robots_follow_each_other() -> None:
    env = warehouse((3, 25, RIGHT, 1), (4, 25, RIGHT, 2))
    env.step([GO, GO])
    assert places(env) == [(4, 25), (5, 25)]
    assert [(shelf.x, shelf.y) for shelf in env.shelfs[:2]] == [(4, 25), (5, 25)]


def carried(env: WarehouseEnv) -> Place | None:
    shelf = env.agents[0].carrying_shelf
    return (shelf.x, shelf.y) if shelf else None


def test_a_shelf_is_taken_along_and_not_put_down_in_a_corridor() -> None:
    env = warehouse((3, 25, LEFT, 0))
    steps = [(GO, None), (Action.TOGGLE_LOAD, (2, 25)), (Action.LEFT, (2, 25)), (Action.LEFT, (2, 25)), (GO, (3, 25))]
    steps += [(GO, (4, 25)), (Action.TOGGLE_LOAD, (4, 25)), (GO, (5, 25))]
    for action, shelf in steps:
        env.step([action])
        assert carried(env) == shelf


def test_a_shelf_is_put_down_where_shelves_belong() -> None:
    env = warehouse((3, 25, LEFT, 0))
    env.step([GO])
    env.step([Action.TOGGLE_LOAD])
    number = env.grid[1, 25, 2]
    for action in (Action.LEFT, Action.LEFT, Action.TOGGLE_LOAD, GO):
        env.step([action])
    assert places(env) == [(3, 25)]
    assert carried(env) is None
    assert (env.shelfs[number - 1].x, env.shelfs[number - 1].y) == (2, 25)


# Its wrappers


@pytest.mark.parametrize(("n_agents", "bits"), [(1, 0), (2, 0), (2, 2)])
def test_the_packages_wrapper_makes_one_agent_of_ours(n_agents: int, bits: int) -> None:
    env = FlattenAgents(narrow(n_agents, msg_bits=bits))
    env.action_space.seed(1)
    obs, _ = env.reset()
    assert obs.shape == (n_agents * (8 + 9 * (7 + bits)),)
    obs, reward, done, *_ = env.step(env.action_space.sample())
    assert obs.shape == (n_agents * (8 + 9 * (7 + bits)),)
    assert reward.shape == ()
    assert type(done) is bool


def test_the_packages_wrapper_names_our_agents() -> None:
    assert set(DictAgents(narrow(2)).reset(seed=1)) == {"agent_0", "agent_1"}


# What users read


READ = [
    *("n_agents", "msg_bits", "sensor_range", "request_queue_size", "max_steps", "max_inactivity_steps"),
    *("normalised_coordinates", "reward_type", "reward_range", "grid_size", "column_height", "goals", "np_random_seed"),
]
KINDS: list[dict[str, Any]] = [
    {},
    {"observation_type": "dict", "msg_bits": 2, "n_agents": 5},
    {"observation_type": "dict", "normalised_coordinates": True},
    {"observation_type": "dict", "sensor_range": 2, "reward_type": "two_stage"},
    {"observation_type": "image_dict"},
]


def plain(value: Any) -> Any:
    """Arrays as lists with their type, everything else as it is."""
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.tolist())
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, tuple | list) else value


def moment(env: Any) -> list[Any]:
    """Whoever and whatever is where, read by the package's names."""
    robots = [
        (robot.id, robot.x, robot.y, robot.dir, robot.has_delivered, robot.message.tolist(), robot.carrying_shelf)
        for robot in env.agents
    ]
    return [
        [(*robot[:-1], robot[-1].id if robot[-1] else None) for robot in robots],
        [(shelf.id, shelf.x, shelf.y) for shelf in env.shelfs],
        [shelf.id for shelf in env.request_queue],
        plain(env.grid),
        plain(env.highways),
        env.np_random.bit_generator.state,
    ]


@pytest.mark.parametrize("arguments", KINDS)
def test_what_users_read_is_what_the_package_says(arguments: dict[str, Any]) -> None:
    ours = WarehouseEnv("rware-tiny-2ag-v2", **arguments)
    official = make_official(ours.config)
    assert ours.observation_space == official.observation_space
    assert plain(ours.reset(seed=5)[0]) == plain(official.reset(seed=5)[0])
    for name in READ:
        assert getattr(ours, name) == getattr(official, name), name
    layers = [ImageLayer.SHELVES, ImageLayer.REQUESTS, ImageLayer.AGENTS, ImageLayer.GOALS, ImageLayer.ACCESSIBLE]
    ours.action_space.seed(1)
    for step in range(600):
        action = ours.action_space.sample()
        assert plain(ours.step(action)[:4]) == plain(official.step(action)[:4])
        if step % 20 == 0:
            assert moment(ours) == moment(official)
            image = ours.get_global_image(layers, recompute=True)
            assert np.array_equal(image, official.get_global_image(layers, recompute=True))
        if step % 500 == 499:
            ours.reset(), official.reset()
    padded = ours.get_global_image(layers, True, (6, 14, 14))
    assert np.array_equal(padded, official.get_global_image(layers, True, (6, 14, 14)))


def test_what_users_read_cannot_be_written() -> None:
    env: Any = warehouse((4, 25, UP, 0))
    for name in ("max_steps", "n_agents", "agents", "grid_size"):
        with pytest.raises(AttributeError):
            setattr(env, name, 3)
    with pytest.raises(AttributeError):
        env.agents[0].x = 3
    with pytest.raises(TypeError):
        env.request_queue[0] = env.shelfs[0]
    with pytest.raises(ValueError, match="read-only"):
        env.grid[0, 0, 0] = 1


def test_before_the_first_reset_nobody_is_there() -> None:
    ours = WarehouseEnv("rware-tiny-2ag-v2")
    official = make_official(WarehouseConfig())
    assert len(ours.agents) == len(official.agents) == 0
    assert len(ours.request_queue) == len(official.request_queue) == 0
    assert plain(ours.grid) == plain(official.grid)
    assert plain(ours.highways) == plain(official.highways)


def test_whoever_draws_from_the_worlds_generator_changes_its_draws_as_with_the_package() -> None:
    ours, official = WarehouseEnv("rware-tiny-2ag-v2"), make_official(WarehouseConfig())
    for env in (ours, official):
        env.reset(seed=3)
        env.np_random.integers(10)
    assert plain(ours.reset()[0]) == plain(official.reset()[0])
    for env in (ours, official):
        env.np_random = np.random.Generator(np.random.PCG64(11))
    assert plain(ours.reset()[0]) == plain(official.reset()[0])
    assert ours.np_random_seed == official.np_random_seed == -1


def test_actions_may_be_the_packages_members_or_arrays_of_one() -> None:
    first, second, third = (WarehouseEnv("rware-tiny-2ag-v2") for _ in range(3))
    for env in (first, second, third):
        env.reset(seed=1)
    for action in Action:
        seen = first.step((action.value, 1))[0]
        assert plain(second.step([action, GO])[0]) == plain(seen)
        assert plain(third.step([np.array([action.value]), np.int64(1)])[0]) == plain(seen)


def test_with_message_bits_a_member_may_come_first() -> None:
    first, second = (WarehouseEnv("rware-tiny-2ag-v2", msg_bits=1) for _ in range(2))
    first.reset(seed=1), second.reset(seed=1)
    assert plain(first.step([[1, 1], [4, 0]])[0]) == plain(second.step([(GO, 1), (Action.TOGGLE_LOAD, 0)])[0])


# EPyMARL's habit


class Gymma:
    """How EPyMARL holds a Gymnasium environment: two step limits around it, flat vectors, `seed` and never
    `reset(seed=...)`, resets without one, rewards summed."""

    def __init__(self, env: Any, time_limit: int, seed: int) -> None:
        self.env: Any = gymnasium.wrappers.TimeLimit(env, time_limit)
        self.spaces = list(env.unwrapped.observation_space)
        self.most_actions = max(space.n for space in env.unwrapped.action_space)
        self.n_agents = env.unwrapped.n_agents
        try:
            env.unwrapped.seed(seed)
        except Exception:  # it takes any for a world without `seed`
            self.env.reset(seed=seed)

    def _flat(self, obs: Any) -> list[list[float]]:
        return [plain(spaces.flatten(space, seen)) for space, seen in zip(self.spaces, obs, strict=True)]

    def reset(self) -> Any:
        return self._flat(self.env.reset(seed=None, options=None)[0])

    def step(self, actions: Any) -> Any:
        obs, reward, done, truncated, info = self.env.step([int(action) for action in actions])
        return self._flat(obs), float(sum(reward)), done, truncated, info


def test_epymarls_calling_habit_meets_the_same_trajectory() -> None:
    import rware  # noqa: F401, registers its ids

    import lockstep.envs.adapters.gymnasium  # noqa: F401, registers ours

    ours, official = (
        Gymma(gymnasium.make(f"{name}rware-tiny-2ag-v2", max_episode_steps=60, disable_env_checker=True), 60, seed=1)
        for name in ("lockstep/", "")
    )
    assert ours.n_agents == official.n_agents
    assert ours.most_actions == official.most_actions
    rng = np.random.default_rng(0)
    for _ in range(4):
        assert ours.reset() == official.reset()
        ended = False
        while not ended:
            actions = rng.choice(5, size=2, p=[0.05, 0.5, 0.1, 0.1, 0.25])
            one, other = ours.step(actions), official.step(actions)
            assert one == other
            ended = one[2] or one[3]
