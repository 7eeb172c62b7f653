"""The pictures of docs/gallery.md from nothing: trains half a team, takes the shipped one, films them side by side.

    python benchmarks/gallery.py docs/media                  some minutes, most of them training
    python benchmarks/gallery.py docs/media --run runs/half  with a half-trained team that is there already

The warehouse shown is no lucky one: of the first seeds, the one where all three teams earn most nearly what they earn
on average.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from lockstep.algorithms.registry import build
from lockstep.config.load import load_config
from lockstep.envs.registry import make_env
from lockstep.networks.greedy_policy import GreedyPolicy
from lockstep.runs.directory import RunDirectory
from lockstep.show.film import FRAMES_PER_SECOND, frames
from lockstep.show.recording import Recording
from lockstep.show.video import write_video
from lockstep.teams.demo import play_demo
from lockstep.teams.play import play
from lockstep.teams.record import Player, record_episode

HALF = ["solve", "training.stop_at_test_return=1.5", "num_threads=1"]
STEPS = 100
SEEDS = range(1, 31)
MOST_BYTES = 3_000_000
"""All media of the repository together."""


def half_trained(path: Path) -> RunDirectory:
    """A run that stopped halfway; trained now if it is not there."""
    if not path.exists():
        subprocess.run([sys.executable, "-m", "lockstep", "train", *HALF, "--out", str(path)], check=True)
    return RunDirectory.find(str(path))


def untrained(run: RunDirectory, seed: int) -> Recording:
    """The same team before its first update."""
    config = load_config(str(run.config))
    env = make_env(config.env, 1, seed)
    learner = build(env.spec, config)
    policy = GreedyPolicy(learner.actor, env.spec, config.network)
    return record_episode(env, Player(policy, "untrained", learner.thoughts), seed)


def teams(run: RunDirectory, seed: int) -> list[Recording]:
    """Untrained, half trained and trained, in the same warehouse."""
    return [untrained(run, seed), play(str(run.path), seed=seed, time_limit=STEPS)[0], play_demo(seed, STEPS)]


def typical(run: RunDirectory) -> list[Recording]:
    """The teams' episodes on the seed where their returns lie nearest to their means."""
    played = [teams(run, seed) for seed in SEEDS]
    returns = np.array([[recording.returns()[-1] for recording in recordings] for recordings in played])
    print(f"mean returns over {len(SEEDS)} warehouses: {', '.join(f'{mean:.2f}' for mean in returns.mean(0))}")
    nearest = np.abs(returns - returns.mean(0)).sum(1).argmin()
    print(f"shown: seed {SEEDS[nearest]}, returns {', '.join(f'{value:g}' for value in returns[nearest])}")
    return played[nearest]


def side_by_side(recordings: Sequence[Recording], captions: Sequence[str], scale: float) -> list[Image.Image]:
    """The episodes next to each other, in step; who is done first waits."""
    films = [frames(recording, scale=scale, caption=text) for recording, text in zip(recordings, captions, strict=True)]
    width, height = sum(film[0].width for film in films), max(film[0].height for film in films)
    rows = []
    for number in range(max(map(len, films))):
        row, left = Image.new("RGB", (width, height)), 0
        for film in films:
            row.paste(film[min(number, len(film) - 1)], (left, 0))
            left += film[0].width
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--run", type=Path, default=Path("runs/half"), help="the half-trained team, or where it goes")
    arguments = parser.parse_args()
    run = half_trained(arguments.run)
    three = typical(run)
    spread, food = (
        [play(policy=policy, env_key=key, seed=3)[0] for policy in ("random", "heuristic")]
        for key in ("mpe:simple_spread_v3", "Foraging-10x10-3p-3f-v3")
    )
    films = {
        "teams": side_by_side(three, ("untrained", "half-trained", "trained"), scale=0.75),
        "nineteen": frames(play(policy="heuristic", env_key="rware-large-19ag-v2", time_limit=60)[0], "dark"),
        "spread": side_by_side(spread, ("random", "heuristic"), scale=0.8),
        "foraging": side_by_side(food, ("random", "heuristic"), scale=0.8),
    }
    for name, pictures in films.items():
        path = arguments.out / f"{name}.gif"
        write_video(pictures, path, FRAMES_PER_SECOND)
        width, height = pictures[0].size
        print(f"{path}: {len(pictures)} frames of {width} x {height}, {path.stat().st_size:,} bytes")
    total = sum(path.stat().st_size for path in arguments.out.iterdir())
    print(f"{arguments.out}: {total:,} bytes together")
    if total > MOST_BYTES:
        sys.exit(f"{arguments.out} is heavier than {MOST_BYTES:,} bytes; make films shorter or smaller.")


if __name__ == "__main__":
    main()
