"""How long a training stands still for its checkpoints when the replay is large: JSON.

    python benchmarks/checkpoint_stall.py --episodes 200000

The run is `solve` with a memory of so many episodes, full. Rounds of it are timed; then it writes checkpoints, each
after as many new episodes as it plays between two of them, and then one with nothing on disk that could be kept. The
stall is the time of a checkpoint over the time between two.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from lockstep.algorithms.fast.shares import one_thread
from lockstep.bench.timing import machine
from lockstep.config.load import dump_toml, load_config
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.rollout import collect
from lockstep.runs.directory import RunDirectory
from lockstep.training.checkpoints.checkpoint import load_latest, save_checkpoint
from lockstep.training.session import Session


def filled(episodes: int) -> tuple[Session, EpisodeBatch]:
    """A session past its warm-up whose memory is full, and episodes to go on filling it with."""
    words = [f"replay.buffer_size={episodes}", "training.num_threads=1", "collection.warmup_env_steps=0"]
    session = Session(load_config("solve", words))
    batch = collect(session.env, session.policy, seed=0)
    for _ in range(-(-episodes // batch.num_episodes) + 1):
        session.feed.take(batch)
    return session, batch


def timed(work: Any) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measured(episodes: int, checkpoints: int, rounds: int, folder: Path) -> dict[str, Any]:
    """The stall and the sizes."""
    session, batch = filled(episodes)
    config = session.config
    run = RunDirectory.create(folder / "run", "stall", 1, dump_toml(config))
    round_seconds = median(timed(session.advance) for _ in range(rounds))
    rounds_between = config.checkpoint.every_env_steps / (batch.num_episodes * session.spec.time_limit)
    first = timed(lambda: save_checkpoint(session, run))
    stalls = []
    for _ in range(checkpoints):
        for _ in range(round(rounds_between)):
            session.feed.take(batch)
        session.env_steps += config.checkpoint.every_env_steps
        stalls.append(timed(lambda: save_checkpoint(session, run)))
    newest = json.loads((max(run.checkpoints.glob("[0-9]*")) / "manifest.json").read_text())
    again = Session(config)
    resumed = timed(lambda: load_latest(again, run))
    between = round_seconds * rounds_between
    return {
        "episodes": episodes,
        "replay_mib": round(sum(store.num_bytes() for store in session.feed.stores().values()) / 2**20),
        "on_disk_mib": round(sum(path.stat().st_size for path in run.path.rglob("*") if path.is_file()) / 2**20),
        "newest_checkpoint_mib": round(sum(newest["bytes"].values()) / 2**20),
        "seconds_between_checkpoints": round(between, 2),
        "stall_seconds": [round(stall, 3) for stall in stalls],
        "stall_percent": round(100 * median(stalls) / between, 2),
        "worst_stall_percent": round(100 * max(stalls) / between, 2),
        "first_checkpoint_seconds": round(first, 2),
        "resume_seconds": round(resumed, 2),
        "machine": machine(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=200_000)
    parser.add_argument("--checkpoints", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    one_thread()
    with tempfile.TemporaryDirectory(prefix="lockstep-stall-", dir=".") as folder:
        found = measured(arguments.episodes, arguments.checkpoints, arguments.rounds, Path(folder))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
