"""Compiled worlds play teams by themselves: the same episodes as step by step, to the bit, whoever plays beside."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lockstep.acting.exploration import Choice, Explorer, Script, lane_epsilons
from lockstep.arrays import Mask
from lockstep.config.schema import ExplorationConfig, NetworkConfig
from lockstep.envs.onset_memory import remembering
from lockstep.envs.protocol import TeamPlay, VectorEnv
from lockstep.envs.registry import make_vec
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.rollout import Rollout, collect
from lockstep.networks.agents import build_agent, networks_of
from lockstep.networks.greedy_policy import GreedyPolicy
from lockstep.spec import EnvSpec

LAYOUT = ".....\n.x.x.\n.x.x.\n.....\n..g.."
NETWORKS = {
    "normalized, dueling": NetworkConfig(recurrent=False, hidden_dim=16, layer_norm=True, dueling=True),
    "recurrent, normalized, dueling": NetworkConfig(hidden_dim=16, layer_norm=True, dueling=True, last_action=True),
    "feed-forward": NetworkConfig(recurrent=False, hidden_dim=24),
    "recurrent": NetworkConfig(hidden_dim=16),
    "recurrent, odd": NetworkConfig(hidden_dim=13, agent_id=False),
    "last action": NetworkConfig(hidden_dim=16, last_action=True),
    "feed-forward, last action": NetworkConfig(recurrent=False, hidden_dim=10, last_action=True),
    "one each": NetworkConfig(hidden_dim=16, sharing="none"),
    "feed-forward, one each": NetworkConfig(recurrent=False, hidden_dim=10, sharing="none", last_action=True),
}
EXPLORATION = {
    "epsilon": ExplorationConfig(),
    "held": ExplorationConfig(repeat_max_steps=6, repeat_actions=(1, 4)),
}


class OneByOne:
    """An environment that can do nothing but step."""

    def __init__(self, env: VectorEnv) -> None:
        self.env, self.spec, self.num_envs = env, env.spec, env.num_envs
        self.reset, self.step, self.state = env.reset, env.step, env.state
        self.available_actions, self.get_state, self.set_state = env.available_actions, env.get_state, env.set_state
        self.close = env.close


def warehouse(num_envs: int, flags: tuple[int, ...] = (), key: str = "rware-tiny-2ag-v2", **arguments: Any) -> Any:
    arguments = {"layout": LAYOUT, "time_limit": 40, **arguments}
    return remembering(make_vec(key, num_envs, seed=0, **arguments), flags)


def policy(spec: EnvSpec, network: NetworkConfig = NETWORKS["recurrent"], seed: int = 5) -> GreedyPolicy:
    """Of a network whose preferences differ enough to make it move."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        agent = build_agent(spec, network)
        for parameter in agent.parameters():
            parameter.data *= 2.0
    return GreedyPolicy(agent, spec, network)


def explorer(
    lanes: int, config: ExplorationConfig, agents: int = 2, choice: Choice = "greedy", actions: int = 5
) -> Explorer:
    return Explorer(config, lane_epsilons(0.6, lanes, 5.0), agents, actions, np.random.default_rng(3), choice)


def plays_teams(env: Any) -> bool:
    return isinstance(env, TeamPlay) and env.plays_teams


def assert_same(one: EpisodeBatch, other: EpisodeBatch) -> None:
    mine, others = one.fields(), other.fields()
    assert mine.keys() == others.keys()
    for name, value in mine.items():
        assert value.dtype == others[name].dtype
        assert torch.equal(value, others[name]), name


def assert_same_ways(
    make: Any,
    network: NetworkConfig,
    exploration: ExplorationConfig | None = None,
    lanes: Mask | None = None,
    choice: Choice = "greedy",
) -> EpisodeBatch:
    """Play two collections each way, the second on random streams that go on."""
    fast, slow = make(), OneByOne(make())
    assert plays_teams(fast)
    assert not plays_teams(slow)
    team = policy(fast.spec, network)
    explorers = [
        None
        if exploration is None
        else explorer(fast.num_envs, exploration, fast.spec.num_agents, choice, fast.spec.num_actions)
        for _ in range(2)
    ]
    batch = None
    for seed in (7, None):
        batch = collect(fast, team, explorers[0], seed, lanes)
        assert_same(batch, collect(slow, team, explorers[1], seed, lanes))
    mine, others = fast.get_state(), slow.get_state()
    np.testing.assert_equal(mine, others)
    if explorers[0] is not None and explorers[1] is not None:
        assert explorers[0].rng.bit_generator.state == explorers[1].rng.bit_generator.state
    assert batch is not None
    return batch


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_greedy_episodes(network: NetworkConfig) -> None:
    batch = assert_same_ways(lambda: warehouse(5), network)
    assert len(set(batch.actions.flatten().tolist())) > 1


@pytest.mark.parametrize("network", ["feed-forward", "recurrent"])
@pytest.mark.parametrize("exploration", EXPLORATION.values(), ids=EXPLORATION)
def test_exploring_episodes_and_an_observation_with_a_memory(network: str, exploration: ExplorationConfig) -> None:
    batch = assert_same_ways(lambda: warehouse(6, (2,)), NETWORKS[network], exploration)
    noted = batch.obs[..., -2:]
    assert noted.any(), "somebody carried a shelf"


def test_three_robots_that_may_all_be_in_each_others_way() -> None:
    assert_same_ways(
        lambda: warehouse(4, key="rware-tiny-3ag-v2", reward_type="global"), NETWORKS["recurrent"], EXPLORATION["held"]
    )


@pytest.mark.parametrize("recurrent", [True, False])
def test_robots_that_share_in_groups(recurrent: bool) -> None:
    network = NetworkConfig(hidden_dim=12, recurrent=recurrent, sharing=((2, 0), (1,)))
    assert_same_ways(lambda: warehouse(4, key="rware-tiny-3ag-v2"), network, EXPLORATION["epsilon"])


def test_lanes_that_end_early_and_lanes_that_are_left_alone() -> None:
    lanes = np.array([True, False, True, True, False, True])
    batch = assert_same_ways(
        lambda: warehouse(6, (2, 7), max_inactivity_steps=9), NETWORKS["recurrent"], EXPLORATION["epsilon"], lanes
    )
    assert batch.num_episodes == 4
    assert batch.terminated.any()
    for episode, length in enumerate(batch.lengths().tolist()):
        assert not batch.obs[episode, length + 1 :].any()
        assert not batch.actions[episode, length:].any()


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_sampled_episodes(network: NetworkConfig) -> None:
    """Noise is drawn beforehand, so that even chance is alike in both ways of playing."""
    sampled = assert_same_ways(lambda: warehouse(5, (2,)), network, EXPLORATION["held"], choice="sampled")
    greedy = assert_same_ways(lambda: warehouse(5, (2,)), network, EXPLORATION["held"])
    assert not torch.equal(sampled.actions, greedy.actions)


def spread(num_envs: int, **arguments: Any) -> Any:
    return make_vec("mpe:simple_spread_v3", num_envs, seed=0, **arguments)


@pytest.mark.parametrize("choice", ["greedy", "sampled"])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_particles_play_teams_too(network: NetworkConfig, choice: Choice) -> None:
    batch = assert_same_ways(lambda: spread(4), network, EXPLORATION["epsilon"], choice=choice)
    assert batch.reward.any()
    assert batch.truncated[:, -1].all()


@pytest.mark.parametrize("agents", [1, 2, 11])
def test_particles_of_any_number(agents: int) -> None:
    """From eight agents on, numpy adds rewards in another order than one after the other."""
    assert_same_ways(lambda: spread(3, N=agents, max_cycles=30), NETWORKS["recurrent, odd"], EXPLORATION["held"])


def test_particles_that_end_early_and_lanes_that_are_left_alone() -> None:
    lanes = np.arange(40) % 3 > 0
    make = lambda: spread(40, N=1, terminate_on_success=True, max_cycles=60)  # noqa: E731
    batch = assert_same_ways(make, NETWORKS["feed-forward"], ExplorationConfig(), lanes)
    assert batch.terminated.any()
    for episode, length in enumerate(batch.lengths().tolist()):
        assert not batch.obs[episode, length + 1 :].any()


def test_particles_see_exactly_what_the_official_package_shows() -> None:
    own, official = spread(2), spread(2, engine="official")
    assert not plays_teams(official)
    batch = collect(own, policy(own.spec), explorer(2, EXPLORATION["epsilon"], 3, "sampled"), seed=3)
    judged = collect(official, policy(official.spec), explorer(2, EXPLORATION["epsilon"], 3, "sampled"), seed=3)
    assert_same(batch, judged)


@pytest.mark.parametrize("choice", ["greedy", "sampled"])
@pytest.mark.parametrize("key", ["Foraging-5x5-2p-1f-v3", "Foraging-grid-1s-6x6-4p-3f-v3"])
def test_players_on_fields_play_teams_too(key: str, choice: Choice) -> None:
    """Six actions, episodes that end early, own rewards that are paid for food and for loads in vain."""
    make = lambda: make_vec(key, 24, seed=0, time_limit=30, penalty=0.1)  # noqa: E731
    batch = assert_same_ways(make, NETWORKS["recurrent"], EXPLORATION["epsilon"], np.arange(24) % 5 > 0, choice)
    assert batch.reward.any()
    assert (batch.actions == 5).any()


def test_an_episode_played_in_parts_while_the_team_changes() -> None:
    batches = []
    for env in (warehouse(4, (2,)), OneByOne(warehouse(4, (2,)))):
        team = policy(env.spec)
        playing = Rollout(env, team, explorer(4, EXPLORATION["held"]), seed=5)
        for steps in (0, 7, 7, 8, 31):
            playing.advance(steps)
            for parameter in team.agent.parameters():
                parameter.data *= -1.0
        batches.append(playing.finish())
    assert_same(*batches)
    unchanged = warehouse(4, (2,))
    whole = collect(unchanged, policy(unchanged.spec), explorer(4, EXPLORATION["held"]), seed=5)
    assert not torch.equal(whole.actions, batches[0].actions)


def test_threads_change_nothing() -> None:
    batches = []
    for threads in (1, 3):
        env = warehouse(50, (2,), num_threads=threads, time_limit=60)
        batches.append(collect(env, policy(env.spec), explorer(50, EXPLORATION["held"]), seed=1))
        assert (env.env._pool is not None) == (threads > 1)
        env.close()
    assert_same(*batches)


def test_an_episode_does_not_depend_on_who_plays_beside_it() -> None:
    many = warehouse(40)
    batch = collect(many, policy(many.spec), seed=20)
    for lane in (0, 17, 39):
        alone = warehouse(1)
        assert_same(collect(alone, policy(alone.spec), seed=20 + lane), batch.select(slice(lane, lane + 1)))


def test_the_official_package_is_played_the_same_way() -> None:
    official, own = warehouse(2, (2,), engine="official"), warehouse(2, (2,))
    assert not plays_teams(official)
    assert_same(
        collect(official, policy(official.spec), explorer(2, EXPLORATION["epsilon"]), seed=3),
        collect(own, policy(own.spec), explorer(2, EXPLORATION["epsilon"]), seed=3),
    )


@pytest.mark.parametrize("arguments", [{"observation_type": "image"}, {"observation_type": "image_dict"}])
def test_images_are_played_step_by_step(arguments: dict[str, Any]) -> None:
    env = warehouse(2, **arguments)
    assert not plays_teams(env)
    assert collect(env, policy(env.spec), seed=0).filled.all()


def test_a_script_is_followed_with_open_eyes() -> None:
    env = warehouse(3)
    actions = np.random.default_rng(0).integers(5, size=(40, 3, 2), dtype=np.int8)
    batch = collect(env, policy(env.spec), Script(actions), seed=2)
    assert np.array_equal(batch.actions.numpy(), actions.transpose(1, 0, 2))
    env.reset(2)
    assert np.array_equal(batch.returns().numpy(), env.play(actions).sum((0, 2)))


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_what_is_played_is_what_torch_values_most(network: NetworkConfig) -> None:
    """In the network's own module, in float64: the chosen action is worth the maximum, to float32's tolerance."""
    env = warehouse(4)
    team = policy(env.spec, network)
    batch = collect(env, team, seed=9)
    memory: Any = None
    exact_memory: torch.Tensor | None = None
    team.agent.double()
    last = np.full((4, 2), -1)
    for t in range(40):
        values, memory = team.values(batch.obs[:, t].double().numpy(), last, exact(exact_memory))
        exact_memory = None if memory is None else torch.from_numpy(memory)
        last = batch.actions[:, t].numpy()
        taken = values.gather(-1, batch.actions[:, t].unsqueeze(-1))[..., 0]
        assert (values.amax(-1) - taken).max() < 1e-5


def exact(memory: torch.Tensor | None) -> NDArray[np.float64] | None:
    return None if memory is None else memory.double().numpy()


def test_what_is_remembered_is_what_torch_remembers() -> None:
    env = warehouse(4)
    team = policy(env.spec)
    obs, last = env.reset(0), np.full((4, 2), -1)
    memory = None
    for _ in range(10):
        _, expected = team.values(obs, last, memory)
        last, memory = team.act(obs, None, last, memory)
        np.testing.assert_allclose(memory, expected, atol=1e-6)
        obs = env.step(last).obs


def test_what_is_not_available_is_not_done_and_the_first_of_equals_is() -> None:
    spec = warehouse(1).spec
    team = policy(spec)
    for parameter in team.agent.parameters():
        parameter.data.zero_()
    obs, last = np.zeros((1, 2, 71), np.float32), np.full((1, 2), -1)
    available = np.array([[[False, False, True, True, False], [True, True, True, True, True]]])
    assert team.act(obs, available, last, None)[0].tolist() == [[2, 0]]
    (network,) = networks_of(team.agent)
    network.values.bias.data[:] = torch.tensor([0.0, -1.0, -3.0, -2.0, 1.0])
    assert team.act(obs, available, last, None)[0].tolist() == [[3, 4]]


def test_a_policy_hands_its_memory_back_and_keeps_none() -> None:
    env = warehouse(1)
    team = policy(env.spec)
    obs, last = env.reset(0), np.full((1, 2), -1)
    _, memory = team.act(obs, None, last, None)
    before = memory.copy()
    once, again = (team.act(obs, None, last, memory)[1] for _ in range(2))
    assert np.array_equal(memory, before)
    assert np.array_equal(once, again)
    assert not np.array_equal(once, before)
