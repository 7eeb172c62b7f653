"""Where `lockstep.envs.adapters.pettingzoo` used to be: other people's code imports it."""

from lockstep.envs.adapters.pettingzoo import WarehouseParallelEnv, env, parallel_env

__all__ = ["WarehouseParallelEnv", "env", "parallel_env"]
