"""How each algorithm is trained on each task: by one recipe for its family and the kind of world, or by the paper's.

Recipes were chosen on seeds and, for fields of food, on worlds that the table does not have (docs/benchmark).
"""

from collections.abc import Mapping
from typing import Literal

from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.config.schema.actor_critic import ActorCriticConfig
from lockstep.config.schema.algorithms import SECTIONS
from lockstep.reproduce.benchmark.tasks import Kind, Task
from lockstep.reproduce.plan import scaled

Reading = Literal["recipe", "literal"]
PRESETS: Mapping[Kind, str] = {"warehouse": "master-500", "foraging": "foraging", "particles": "report-week1"}
STEPS: Mapping[Kind, int] = {"warehouse": 20_000_000, "foraging": 3_000_000, "particles": 2_000_000}
"""Env steps of every algorithm, warm-up included: a half to a tenth of the paper's for policies, more for values."""
LOOKS = 40
"""Evaluations while a training goes on, as in the paper; one more is made at the end."""
EPISODES = 100
EPSILON = 0.05
"""Chance of a random action while value methods are evaluated, as in the paper."""
LITERAL: Mapping[str, str] = {"mappo": "paper-mappo", "ippo": "paper-ippo", "qmix": "epymarl/qmix"}
"""What the paper's reading of an algorithm starts from."""
LITERAL_TASKS = ("rware-tiny-2ag", "foraging-8x8-2p-2f-coop", "foraging-10x10-3p-3f")
LITERAL_STEPS: Mapping[Kind, tuple[int, int]] = {
    "warehouse": (40_000_000, 4_000_000),
    "foraging": (20_000_000, 2_000_000),
}
"""Env steps of the paper's policies, and of its value methods."""


def is_policy(algorithm: str) -> bool:
    """Whether it learns a policy, which draws its actions; the others learn values."""
    return issubclass(SECTIONS[algorithm], ActorCriticConfig)


def has_reading(task: Task, algorithm: str, reading: Reading) -> bool:
    """Whether an algorithm is trained that way on a task."""
    return reading == "recipe" or (algorithm in LITERAL and task.name in LITERAL_TASKS)


def configuration(task: Task, algorithm: str, reading: Reading, share: float = 1.0) -> RunConfig:
    """What is trained in one row and column of the table, with seed 1. share: of the env steps, to see it work."""
    if reading == "recipe":
        base, env_steps = PRESETS[task.kind], STEPS[task.kind]
        words = [f"algorithm={algorithm}"]
    else:
        for_policies, for_values = LITERAL_STEPS[task.kind]
        base, env_steps = LITERAL[algorithm], for_policies if is_policy(algorithm) else for_values
        words = []
    words += [f"env.key={task.key}", f"env.time_limit={task.time_limit}", f"t_max={env_steps}"]
    return _watched(scaled(load_config(base, words), share))


def _watched(config: RunConfig) -> RunConfig:
    """Evaluated as the paper evaluates: policies draw their actions, value methods err now and then."""
    every = max(1, config.training.max_env_steps // LOOKS)
    draws = is_policy(config.algorithm.name)
    evaluation = {
        "every_env_steps": every,
        "episodes": EPISODES,
        "choice": "sampled" if draws else "greedy",
        "epsilon": 0.0 if draws else EPSILON,
    }
    return config.model_copy(
        update={
            "evaluation": config.evaluation.model_copy(update=evaluation),
            "checkpoint": config.checkpoint.model_copy(update={"every_env_steps": 4 * every}),
            "logging": config.logging.model_copy(update={"every_env_steps": max(1, every // 5), "tensorboard": False}),
        }
    )
