"""Train the doctor's calibration set: `python benchmarks/doctor_calibration.py --out runs/calibration`.

Every configuration of calibration_set.py with every seed, one after the other in this process. What is finished is not
trained again, so the command can be interrupted and repeated.
"""

import argparse
import shutil
import time
from pathlib import Path

import torch
from calibration_set import SEEDS, configurations

from lockstep.config.load import dump_toml
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory
from lockstep.runs.loggers import JsonlLogger
from lockstep.training import trainer

DONE = ("finished", "failed")


def train(config: RunConfig, path: Path) -> str:
    """One member with one seed, unless it is done already. Returns its status; diverging counts as failed."""
    status = str(RunDirectory(path).read_info().get("status"))
    if status in DONE:
        return status
    if path.exists():
        RunDirectory(path).remove()
    run = RunDirectory.create(path, path.name, config.seed, dump_toml(config))
    with run.locked():
        try:
            if trainer.train(config, run, [JsonlLogger()]).stopped_because == "interrupted":
                raise KeyboardInterrupt
            run.set_status("finished")
        except UserError as error:
            run.set_status("failed", reason=str(error))
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    return str(run.read_info()["status"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/calibration"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for seed in SEEDS:
        for name, config in configurations():
            before = time.process_time()
            status = train(config.model_copy(update={"seed": seed}), arguments.out / f"{name}-s{seed}")
            print(f"{name} seed {seed}: {status}, {time.process_time() - before:.1f} s of processor time", flush=True)


if __name__ == "__main__":
    main()
