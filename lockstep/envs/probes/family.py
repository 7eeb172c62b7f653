"""What is known of the probes: their keys, and that there is nothing to choose."""

from lockstep.envs.family import EnvRow, WorldFamily, WorldOptions
from lockstep.envs.probes.games import PROBES, Probe
from lockstep.envs.protocol import VectorEnv
from lockstep.errors import UserError

_PREFIX = "probe-"


class Probes(WorldFamily):
    """Tiny worlds with known answers."""

    name = "probes"
    keys = {"probe-coin": "a tiny world with a known answer, to test with: `lockstep envs probe` has them"}  # noqa: RUF012

    def owns(self, key: str) -> bool:
        """`probe-coin` and its like."""
        return key.startswith(_PREFIX)

    def rows(self, wanted: str) -> list[EnvRow]:
        """All of them."""
        return [_row(key, probe) for key, probe in PROBES.items() if wanted in key]

    def make(self, key: str, num_envs: int, seed: int, options: WorldOptions) -> VectorEnv:
        """See `WorldFamily.make`."""
        if key not in PROBES:
            raise UserError(f"Unknown probe {key!r}; there are: {', '.join(PROBES)}.")
        if options.time_limit is not None or options.arguments or options.engine != "lockstep":
            raise UserError(f"{key!r} is a fixed little world; leave time_limit, engine and further arguments out.")
        return PROBES[key](num_envs, seed)


def _row(key: str, probe: type[Probe]) -> EnvRow:
    summary = (probe.__doc__ or "").strip().partition("\n")[0]
    return EnvRow(key, probe.num_agents, probe.obs_dim, probe.num_actions, probe.time_limit, summary)
