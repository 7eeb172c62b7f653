"""Where `lockstep.envs.adapters.gymnasium` used to be: other people's code imports it, and names ids by it."""

from lockstep.envs.adapters.gymnasium import WarehouseEnv, WarehouseVectorEnv

__all__ = ["WarehouseEnv", "WarehouseVectorEnv"]
