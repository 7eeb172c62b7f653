"""Record the small runs in `recorded/` anew: `python -m tests.doctor.record_runs [NAME ...]`, some seconds each.

Each is sick in one way, or healthy; the checks are tested on what they wrote. Numbers are shortened, rows thinned.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lockstep.config.load import dump_toml, load_config
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory, read_rows
from lockstep.runs.loggers import JsonlLogger
from lockstep.training import trainer

FOLDER = Path(__file__).parent / "recorded"
MOST_ROWS = 30
SMALL = (
    *("t_max=80_000", "warmup_env_steps=20_000", "epsilon_anneal_time=60_000", "lr=0.003", "batch_size=32"),
    *("hidden_dim=32", "mixing_embed_dim=8", "hypernet_embed_dim=16"),
    *("logging.every_env_steps=1_280", "test_interval=5_000"),
    *(
        "test_nepisode=50",
        "use_tensorboard=False",
        "training.num_threads=1",
        "checkpoint.every_env_steps=1_000_000_000",
    ),
)
COLD = ("warmup_env_steps=0", "rewarding_fraction=0")
RUNS: dict[str, tuple[str, ...]] = {
    "healthy": ("t_max=200_000", "logging.every_env_steps=6_400", "test_interval=10_000"),
    "nothing-found": (*COLD, "env.arguments={}", "t_max=32_000", "epsilon_start=0.05", "epsilon_finish=0.05"),
    "forgetful": ("rewarding_fraction=0", "buffer_size=64"),
    "runaway": ("lr=0.02", "gamma=1.0", "target_tau=1.0", "td_lambda=0", "double_q=False", "grad_norm_clip=1000"),
    "clipped": ("grad_norm_clip=0.0001",),
    "always-random": ("epsilon_start=1", "epsilon_finish=1"),
    "too-soon": (*COLD, "epsilon_start=1", "epsilon_finish=0.05", "epsilon_anneal_time=2_560"),
    "dead": ("lr=0.3",),
}  # fmt: skip


def record(name: str) -> None:
    """Train one of RUNS and keep what it wrote."""
    config = load_config("smoke", [*SMALL, *RUNS[name]])
    with TemporaryDirectory() as folder:
        run = RunDirectory.create(Path(folder) / name, name, config.seed, dump_toml(config))
        info: dict[str, Any] = {"status": "finished"}
        try:
            trainer.train(config, run, [JsonlLogger()])
        except UserError as error:
            info = {"status": "failed", "reason": str(error)}
        kept = RunDirectory(FOLDER / name)
        kept.path.mkdir(parents=True, exist_ok=True)
        kept.config.write_text(run.config.read_text())
        kept.info.write_text(json.dumps({"schema_version": 1, "name": name, **info}, indent=1) + "\n")
        for source, target in ((run.metrics, kept.metrics), (run.evaluations, kept.evaluations)):
            target.write_text("".join(json.dumps(row) + "\n" for row in _shortened(read_rows(source))))


def _shortened(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every so many rows, the last included; four digits. Counted episodes are summed, so that none is lost."""
    stride = -(-len(rows) // MOST_ROWS)
    kept = []
    for end in range(len(rows), 0, -stride):
        part = rows[max(end - stride, 0) : end]
        row = {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in part[-1].items()}
        if "rewarding_episodes" in row:
            row["rewarding_episodes"] = sum(other.get("rewarding_episodes", 0) for other in part)
        kept.append(row)
    return kept[::-1]


if __name__ == "__main__":
    for chosen in sys.argv[1:] or RUNS:
        record(chosen)
        print(chosen, flush=True)
