"""A task with round numbers, so that forecasts can be worked by hand."""

import math
from typing import Any

from lockstep.config.schema import RunConfig
from lockstep.doctor.forecast import Forecast, forecast_of
from lockstep.doctor.machine import UNMEASURED, Machine
from lockstep.doctor.task import MeasuredTask, Sample
from lockstep.spec import EnvSpec

SPEC = EnvSpec("rware-made-up", num_agents=2, obs_dim=10, num_actions=5, time_limit=100, obs_bits=(8, 8) + (1,) * 8)


def task(rewarding: int = 100, **changes: Any) -> MeasuredTask:
    """100-step episodes; `rewarding` of 10,000 random ones earn 1; exploring at epsilon e is e times as good."""
    epsilons = (1.0, 0.5, 0.1, 0.01)
    values: dict[str, Any] = {
        "spec": SPEC,
        "random": Sample(1.0, 10_000, rewarding),
        "explored": tuple(Sample(epsilon, 1_000_000, int(100 * rewarding * epsilon)) for epsilon in epsilons),
        "return_mean": rewarding / 10_000,
        "return_std": math.sqrt(rewarding / 10_000),
        "mean_length": 100.0,
        "first_reward_steps": 20.0,
        "delivery_steps": 20.0,
        "blind_warmup": True,
        "env_steps": 1_000_000,
        "seconds": 1.0,
    }
    return MeasuredTask(**(values | changes))


def forecast(rewarding: int = 100, machine: Machine | None = None, **sections: Any) -> Forecast:
    """Of a run of 1,000,000 steps: 10,000 episodes, one at a time, one update each."""
    base: dict[str, Any] = {
        "env": {"key": "rware-tiny-2ag-v2", "time_limit": 100},
        "training": {"max_env_steps": 1_000_000},
        "exploration": {"epsilon_start": 1.0, "epsilon_finish": 1.0},
    }
    merged = {name: base.get(name, {}) | sections.get(name, {}) for name in {*base, *sections}}
    return forecast_of(RunConfig.model_validate(merged), task(rewarding), machine or UNMEASURED)


def fresh(rewarding: int = 100, machine: Machine | None = None, **sections: Any) -> Forecast:
    """Of a run of 1,000,000 steps that learns from fresh episodes: 100 collections of 100 episodes."""
    usual: dict[str, Any] = {
        "algorithm": {"name": "mappo"},
        "collection": {"num_envs": 100},
        "exploration": {"epsilon_start": 0.0, "epsilon_finish": 0.0},
        "optimizer": {"lr": 1e-3},
    }
    return forecast(
        rewarding, machine, **{name: usual.get(name, {}) | sections.get(name, {}) for name in usual | sections}
    )
