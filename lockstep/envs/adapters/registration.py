"""Makes our environments known to Gymnasium, by strings only: nothing is compiled or even imported before one is made.

Importing `lockstep.envs.adapters.gymnasium` registers them; Gymnasium does it itself for an id with a module in front:
`gymnasium.make("lockstep.envs.adapters.gymnasium:lockstep/rware-tiny-2ag-v2")`.
"""

import gymnasium

from lockstep.envs.foraging.keys import registered_keys as field_keys
from lockstep.envs.rware.keys import registered_keys as warehouse_keys

NAMESPACE = "lockstep"
DEFAULT_KEY = "rware-tiny-2ag-v2"
DEFAULT_FIELD_KEY = "Foraging-8x8-2p-2f-v3"


def register() -> None:
    """Register `lockstep/rware-tiny-2ag-v2`, `lockstep/Foraging-8x8-2p-2f-v3` and their siblings; doing it again does
    nothing.

    Other kinds of warehouses and fields are these with arguments: `gymnasium.make(id, observation_type="image")`.
    """
    faces = {
        **dict.fromkeys(warehouse_keys(), "lockstep.envs.adapters.gymnasium:WarehouseEnv"),
        **dict.fromkeys(field_keys(), "lockstep.envs.adapters.field_env:FieldEnv"),
    }
    for key, face in faces.items():
        if f"{NAMESPACE}/{key}" not in gymnasium.registry:
            gymnasium.register(
                id=f"{NAMESPACE}/{key}",
                entry_point=face,
                vector_entry_point="lockstep.envs.adapters.gymnasium:LockstepVectorEnv",
                disable_env_checker=True,  # it would complain of the list of rewards, which is the package's
                kwargs={"key": key},
            )
