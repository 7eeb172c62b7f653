"""What is known of anybody's environment: how it is named, and who steps it. It comes last among the families."""

from lockstep.envs.family import EnvRow, WorldFamily, WorldOptions
from lockstep.envs.protocol import Trial, VectorEnv
from lockstep.errors import UserError

EXAMPLES = {
    "mpe:simple_crypto_v3": "another game of mpe2",
    "pettingzoo:sisl/pursuit_v5": "a parallel environment of PettingZoo",
    "its_package:Maze-v0": "a Gymnasium id, its package before the colon",
    "my_module:parallel_env": "what a function or class of yours makes",
}
"""How environments of others are named, by example: those with discrete actions can be trained on."""


class Foreign(WorldFamily):
    """PettingZoo, Gymnasium, or a function of one's own."""

    name = "foreign"
    strangers = True
    keys = EXAMPLES
    drawing = {"render_mode": "rgb_array"}  # noqa: RUF012, a constant

    def owns(self, key: str) -> bool:
        """Whatever names a module, a game of PettingZoo, or an id that Gymnasium knows."""
        from lockstep.envs.foreign.factory import is_foreign_key

        return is_foreign_key(key)

    def rows(self, wanted: str) -> list[EnvRow]:
        """Examples."""
        return [EnvRow(key, None, None, None, None, world) for key, world in EXAMPLES.items() if wanted in key]

    def make(self, key: str, num_envs: int, seed: int, options: WorldOptions) -> VectorEnv:
        """See `WorldFamily.make`. The arguments are the environment's own."""
        if options.engine == "official":
            raise UserError(f"{key} is played by its own package already; leave engine out.")
        from lockstep.envs.foreign.factory import ForeignEnvFactory
        from lockstep.envs.foreign.lanes import PythonLanes

        factory = ForeignEnvFactory(key, options.time_limit, options.arguments, options.own_state)
        if options.workers is None:
            return PythonLanes(factory, num_envs, seed)
        from lockstep.envs.foreign.workers import WorkerLanes

        return WorkerLanes(factory, num_envs, seed, options.workers)

    def try_out(self, key: str, options: WorldOptions) -> Trial:
        """Play it a little, in a process of its own."""
        from lockstep.envs.foreign.factory import ForeignEnvFactory
        from lockstep.envs.foreign.trial import try_out

        assert options.workers is not None, "see WorldFamily.try_out"
        factory = ForeignEnvFactory(key, options.time_limit, options.arguments, options.own_state)
        return try_out(factory, options.workers, patient=options.workers.count > 0)
