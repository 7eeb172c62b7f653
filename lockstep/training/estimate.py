"""How much memory a run will take, worked out before any of it is taken."""

from math import prod

import torch

from lockstep.algorithms.fast.shares import num_shares
from lockstep.algorithms.feed_memory import replay_bytes, reserved_bytes, smaller_replay
from lockstep.algorithms.registry import algorithm_of, architecture, batch_shape
from lockstep.compute.machine import available_bytes, can_reserve
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.experience.evaluate import evaluation_lanes
from lockstep.formats import counted, gib
from lockstep.spec import EnvSpec, episode_fields

COPIES = 7
"""Of the parameters: online, target, average, gradient, clipped, and two of Adam's."""
HELPER_BYTES = 300 * 2**20
"""Of a process that works on a share of every batch: mostly torch itself."""
REMEDIES = {
    "replay": "replay.buffer_size",
    "networks": "network.hidden_dim",
    "playing": "collection.num_envs",
    "learning": "replay.batch_size",
    "helpers": "training.num_threads",
}
"""Which setting makes a part smaller."""
ROOM = 0.8
"""The share of the free memory that a proposed replay and all the rest take."""


def needed_bytes(config: RunConfig, spec: EnvSpec, *, masks: bool) -> dict[str, int]:
    """By what takes it, once the replay is full. Raises UserError for networks beyond all measure."""
    lanes, steps, agents = config.collection.num_envs, spec.time_limit, spec.num_agents
    network = config.network
    try:
        parameters = sum(prod(shape) for _, shape in architecture(spec, config).shapes)
    except RuntimeError as error:
        raise UserError(
            f"network.hidden_dim={network.hidden_dim} and its siblings make networks too large for any machine; 64 to "
            "256 are usual."
        ) from error
    played = sum(field.num_bytes(steps) for field in episode_fields(spec).values())
    batch, studied = batch_shape(config, steps)
    layers = 4 * (spec.obs_dim + 6 * network.hidden_dim + 4 * spec.num_actions) * agents
    return {
        "replay": replay_bytes(config, spec, masks=masks),
        "networks": COPIES * 4 * parameters,
        "playing": 2 * max(lanes, evaluation_lanes(config, config.evaluation.episodes)) * played,
        "learning": 2 * batch * (studied + 1) * layers,
        "helpers": 0 if algorithm_of(config).threads else (num_shares(config, spec) - 1) * HELPER_BYTES,
    }


def check_memory(config: RunConfig, spec: EnvSpec, *, masks: bool, replay_must_fit: bool = True) -> None:
    """Raise UserError where the run will need more memory than is free, with or without its replay.

    A replay is reserved whole before it is filled, so it must be possible to reserve even what would never be filled.
    """
    free = free_bytes(config)
    needed = needed_bytes(config, spec, masks=masks)
    if not replay_must_fit:
        del needed["replay"]
    elif not config.training.on_gpu and not can_reserve(reserved_bytes(config, spec, masks=masks)):
        # On a GPU, setting aside is using: the estimate has it.
        replay = config.replay
        name = "buffer_size" if replay.buffer_size >= replay.rewarding_buffer_size else "rewarding_buffer_size"
        raise UserError(
            f"replay.{name}={getattr(replay, name)} asks for {gib(reserved_bytes(config, spec, masks=masks))}, more "
            f"than this machine can set aside. Make replay.{name}={getattr(replay, name)} smaller"
            f"{_for_example(config, spec, masks)}; this run plays about "
            f"{counted(config.training.max_env_steps // spec.time_limit, 'episode')}."
        )
    total = sum(needed.values())
    if free is None or total <= free:
        return
    largest = max(needed, key=lambda part: needed[part])
    remedy = REMEDIES["playing" if largest == "learning" and algorithm_of(config).feed == "fresh" else largest]
    section, _, name = remedy.partition(".")
    value = getattr(getattr(config, section), name)
    raise UserError(
        f"This run needs about {gib(total)} of memory, {gib(needed[largest])} of it for {largest}, and {gib(free)} are "
        f"free. Make {remedy}={value} smaller"
        f"{_for_example(config, spec, masks) if largest == 'replay' else ''}."
    )


def _for_example(config: RunConfig, spec: EnvSpec, masks: bool) -> str:
    """A replay that fits beside the rest, as words to copy; empty where nobody knows of one."""
    free = free_bytes(config)
    if free is None:
        return ""
    rest = sum(needed_bytes(config, spec, masks=masks).values()) - replay_bytes(config, spec, masks=masks)
    words = smaller_replay(config, spec, ROOM * free - rest, masks=masks)
    return f", for example `{' '.join(words)}`" if words else ""


def free_bytes(config: RunConfig) -> float | None:
    """Where the replay and the networks will live; None where nobody tells."""
    if config.training.on_gpu:
        return float(torch.cuda.mem_get_info(torch.device(config.training.device))[0])
    return available_bytes()
