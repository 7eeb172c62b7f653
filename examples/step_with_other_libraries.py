"""Use the simulator without anything else of Lockstep: one Gymnasium loop, one PettingZoo loop.

python examples/step_with_other_libraries.py
"""

import time

import gymnasium
import numpy as np

import lockstep
import lockstep.envs.adapters.gymnasium  # makes the ids known to Gymnasium

KEY = "rware-tiny-2ag-v2"


def gymnasium_loop(num_envs: int = 256, steps: int = 500) -> float:
    """Mean return of random teams. Finished lanes restart in the step after, as Gymnasium does by default."""
    envs = gymnasium.make_vec(f"lockstep/{KEY}", num_envs=num_envs, time_limit=100)
    envs.reset(seed=1)
    envs.action_space.seed(1)
    earned, episodes = 0.0, 0
    for _ in range(steps):
        _, reward, terminated, truncated, _ = envs.step(envs.action_space.sample())
        earned += float(reward.sum())
        episodes += int((terminated | truncated).sum())
    envs.close()
    return earned / max(1, episodes)


def pettingzoo_loop() -> dict[str, float]:
    """What every robot earned in one episode of turning and driving."""
    env = lockstep.parallel_env(KEY, time_limit=200)
    rng = np.random.default_rng(1)
    observations, _ = env.reset(seed=1)
    earned = dict.fromkeys(env.agents, 0.0)
    while env.agents:
        actions = {agent: int(rng.choice(5, p=[0.0, 0.7, 0.1, 0.1, 0.1])) for agent in observations}
        observations, rewards, _, _, _ = env.step(actions)
        for agent, reward in rewards.items():
            earned[agent] += reward
    env.close()
    return earned


if __name__ == "__main__":
    started = time.perf_counter()
    print(f"Gymnasium: {gymnasium_loop():.4f} deliveries per random episode ({time.perf_counter() - started:.1f} s)")
    print(f"PettingZoo: {pettingzoo_loop()}")
