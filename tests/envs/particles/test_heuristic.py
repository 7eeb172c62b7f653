"""The reference team does what it says: it shares landmarks out, and gets there."""

import numpy as np

from lockstep.acting.policy import RandomPolicy
from lockstep.envs.particles.heuristic import LandmarkAssignment
from lockstep.envs.registry import make_vec
from lockstep.experience.evaluate import evaluate


def first_actions(positions: list[list[float]], landmarks: list[list[float]]) -> list[int]:
    """Of a team at rest."""
    agents = len(positions)
    obs = np.zeros((1, agents, 4 + 2 * agents), dtype=np.float32)
    obs[0, :, 2:4] = positions
    for agent, place in enumerate(positions):
        obs[0, agent, 4:] = (np.array(landmarks) - place).reshape(-1)
    actions, _ = LandmarkAssignment(agents).act(obs, None, np.zeros((1, agents), dtype=np.int64), None)
    found: list[int] = actions[0].tolist()
    return found


def test_each_agent_moves_to_the_landmark_that_costs_the_team_least() -> None:
    """Both are nearest to the landmark at 0; the left one goes left all the same, as the other has no other."""
    assert first_actions([[-0.5, 0.0], [0.6, 0.0]], [[0.0, 0.0], [-1.5, 0.0]]) == [1, 1]


def test_who_stands_on_the_landmark_stays() -> None:
    assert first_actions([[0.3, 0.3]], [[0.3, 0.3]]) == [0]


def test_it_is_far_better_than_random_play() -> None:
    env = make_vec("mpe:simple_spread_v3", 50)
    planned = evaluate(LandmarkAssignment(3), env, 50, seed=1).returns.mean()
    random = evaluate(RandomPolicy(5, np.random.default_rng(1)), env, 50, seed=1).returns.mean()
    assert planned > -30.0 > -60.0 > random
