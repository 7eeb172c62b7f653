"""How much memory the episodes take that an algorithm is fed from: the one estimate for trainings and the doctor."""

from lockstep.algorithms.registry import algorithm_of
from lockstep.config.schema import RunConfig
from lockstep.spec import EnvSpec, episode_bytes


def replay_bytes(config: RunConfig, spec: EnvSpec, *, masks: bool) -> int:
    """What the replay holds at the end of the run: all that was played, or as much as it keeps. masks: whether actions
    can be unavailable."""
    played = config.training.max_env_steps // spec.time_limit + config.collection.num_envs
    rooms = _rooms(config).values()
    # A GPU gives all of it at once, filled or not.
    kept = rooms if config.training.on_gpu else [min(room, played) for room in rooms]
    return sum(kept) * episode_bytes(spec, masks=masks)


def reserved_bytes(config: RunConfig, spec: EnvSpec, *, masks: bool) -> int:
    """What is set aside before the first episode, used or not."""
    return sum(_rooms(config).values()) * episode_bytes(spec, masks=masks)


def smaller_replay(config: RunConfig, spec: EnvSpec, free: float, *, masks: bool) -> tuple[str, ...]:
    """`key=value` words with which the replay fits into `free` bytes, filled or set aside, and forgets no more than it
    must; none where not even a batch fits, or where nothing is remembered."""
    if algorithm_of(config).feed == "fresh":
        return ()
    rooms = _rooms(config)
    played = config.training.max_env_steps // spec.time_limit + config.collection.num_envs
    fitting = max(int(free / len(rooms) / episode_bytes(spec, masks=masks)), 0)
    words = []
    for name, room in rooms.items():
        smaller = min(fitting, max(played, config.replay.batch_size))
        if smaller >= room:
            continue
        if smaller < config.replay.batch_size:
            return ()
        unit = max(10 ** (len(str(smaller)) - 2), 1)
        words.append(f"replay.{name}={max(smaller // unit * unit, config.replay.batch_size)}")
    return tuple(words)


def _rooms(config: RunConfig) -> dict[str, int]:
    """The episodes that each memory can hold, by the setting that says so; of what is fed fresh, a round."""
    if algorithm_of(config).feed == "fresh":
        return {"num_envs": config.collection.num_envs}
    replay = config.replay
    second = {"rewarding_buffer_size": replay.rewarding_buffer_size} if replay.rewarding_fraction > 0 else {}
    return {"buffer_size": replay.buffer_size, **second}
