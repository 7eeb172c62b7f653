"""Will the machine carry it, and will anything be left of it?"""

from lockstep.algorithms.feed_memory import reserved_bytes, smaller_replay
from lockstep.doctor.finding import Finding, Remedy
from lockstep.doctor.forecast import Forecast, FreshForecast
from lockstep.formats import as_override, duration, memory, rounded

LONG_SECONDS = 2 * 3600.0


def replay_does_not_fit(forecast: Forecast) -> Finding | None:
    """The full replay needs more memory than is free, or than can be set aside for it."""
    config, task, free = forecast.config, forecast.task, forecast.machine.free_bytes
    used, reserved = forecast.replay_bytes, reserved_bytes(config, task.spec, masks=task.masks)
    if free is None or (used < 0.8 * free and reserved < forecast.machine.unreservable_bytes):
        return None
    words = smaller_replay(config, task.spec, 0.5 * free, masks=task.masks)
    fresh = isinstance(forecast, FreshForecast)
    held = config.collection.num_envs if fresh else config.replay.buffer_size
    return Finding(
        "replay-does-not-fit",
        "problem",
        f"{'a collection' if fresh else 'the replay'} will need {memory(max(used, reserved))}, and {memory(free)} are "
        "free",
        f"{rounded(held)} episodes, packed, are {memory(reserved)}, and are set aside before the "
        f"first one; this run fills {memory(used)} of it. The system ends a process that takes more than there is, "
        "usually hours after its start.",
        "The replay grows with every episode until it is full; a run that fits at first may not fit later.",
        (Remedy(words, "as much as this run plays, or half of the free memory"),)
        if words
        else (
            Remedy((f"num_envs={as_override(max(int(held * 0.5 * free / max(used, reserved)), 1))}",), "fewer lanes"),
        )
        if fresh
        else (),
        {"replay_bytes": used, "reserved_bytes": reserved, "free_bytes": free},
    )


def no_checkpoints(forecast: Forecast) -> Finding | None:
    """Nothing is saved before the end."""
    every, most = forecast.config.checkpoint.every_env_steps, forecast.config.training.max_env_steps
    seconds = forecast.seconds
    if every < most or (seconds is not None and seconds < 600):
        return None
    return Finding(
        "no-checkpoints",
        "warning",
        "nothing is saved before the end",
        f"Checkpoints come every {rounded(every)} env steps, and the run ends after {rounded(most)}.",
        "A crash, an update of the system or an empty battery would lose everything. Checkpoints cost seconds.",
        (Remedy((f"checkpoint.every_env_steps={as_override(max(most // 20, 1))}",), "twenty in the whole run"),),
        {"checkpoint_every_env_steps": float(every)},
    )


def takes_long(forecast: Forecast) -> Finding | None:
    """At the measured speed the run takes hours."""
    seconds = forecast.seconds
    if seconds is None or seconds < LONG_SECONDS or forecast.config.training.stop_at_test_return is not None:
        return None
    updating = forecast.updates * (forecast.machine.seconds_per_update or 0.0)
    return Finding(
        "takes-long",
        "note",
        f"{duration(seconds)} on this machine",
        f"Measured: {forecast.machine.seconds_per_update:.2g} s an update, "
        f"{forecast.machine.seconds_per_collection:.2g} s a collection of {rounded(forecast.steps_per_collection)} "
        f"steps. {rounded(forecast.updates)} updates take {duration(updating)} of it.",
        "Long runs are where a wrong setting costs most. Try the same settings on a shorter budget first, or begin "
        "from `solve`.",
        (Remedy(("replay.segment_steps=12",), "study short pieces instead of whole episodes: cheaper updates"),)
        if forecast.config.replay.segment_steps == 0 and not forecast.config.network.last_action
        else (),
        {"seconds": seconds},
    )


CHECKS = (replay_does_not_fit, no_checkpoints, takes_long)
