"""Makes our environments known to Gymnasium, by strings only: nothing is compiled or even imported before one is made.

Importing `lockstep.envs.adapters.gymnasium` registers them; Gymnasium does it itself for an id with a module in front:
`gymnasium.make("lockstep.envs.adapters.gymnasium:lockstep/rware-tiny-2ag-v2")`.
"""

import gymnasium

from lockstep.envs.rware.keys import registered_keys

NAMESPACE = "lockstep"
DEFAULT_KEY = "rware-tiny-2ag-v2"


def register() -> None:
    """Register `lockstep/rware-tiny-2ag-v2` and its siblings; doing it again does nothing.

    Other kinds of warehouses are these with arguments: `gymnasium.make(id, observation_type="image")`.
    """
    for key in registered_keys():
        if f"{NAMESPACE}/{key}" not in gymnasium.registry:
            gymnasium.register(
                id=f"{NAMESPACE}/{key}",
                entry_point="lockstep.envs.adapters.gymnasium:WarehouseEnv",
                vector_entry_point="lockstep.envs.adapters.gymnasium:WarehouseVectorEnv",
                disable_env_checker=True,  # it would complain of the list of rewards, which is the package's
                kwargs={"key": key},
            )
