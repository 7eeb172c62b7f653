"""Compare, or write anew: see the package's introduction."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from lockstep.runs.directory import read_rows
from lockstep.runs.metrics import DEPENDS_ON_THE_MACHINE
from lockstep.training.kill_test import first_difference
from tests.training.golden import machine

FOLDER = Path(__file__).parent
PRESETS = {
    "smoke": ["smoke"],
    "solve": ["solve", "training.max_env_steps=11_210_000"],
    "report-week1": ["report-week1", "training.max_env_steps=320_000"],
}
NAMES = [f"{preset}-{shares}" for preset in PRESETS for shares in (1, 2)]


def rows(run: Path) -> dict[str, Any]:
    """What a training wrote, without clocks: of a warm-up its last row, afterwards all."""
    metrics, judged = (
        [
            {key: value for key, value in row.items() if key not in DEPENDS_ON_THE_MACHINE}
            for row in read_rows(run / f"{name}.jsonl")
        ]
        for name in ("metrics", "eval")
    )
    warm_up = [row for row in metrics if row["updates"] == 0]
    return {"metrics": [*warm_up[-1:], *(row for row in metrics if row["updates"] > 0)], "eval": judged}


def train(name: str, run: Path) -> None:
    """One of the trainings, as a user starts it."""
    preset, _, shares = name.rpartition("-")
    words = [*PRESETS[preset], f"training.num_threads={shares}"]
    command = [sys.executable, "-m", "lockstep", "train", *words, "--out", str(run), "--quiet", "--no-doctor"]
    subprocess.run(command, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the beginnings of trainings with what they were.")
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--write", action="store_true", help="write them anew instead")
    parser.add_argument("--from", dest="trained", type=Path, help="a folder with these trainings, made before")
    asked = parser.parse_args()
    written = FOLDER / "machine.json"
    if asked.write:
        written.write_text(json.dumps(machine(), indent=1) + "\n")
    elif json.loads(written.read_text()) != machine():
        print(
            "Another type of machine than the one that wrote these numbers: rounding differs from the first update on."
        )
    different = 0
    with tempfile.TemporaryDirectory() as made:
        for name in asked.names:
            run = (asked.trained or Path(made)) / name
            if asked.trained is None:
                train(name, run)
            found, file = rows(run), FOLDER / f"{name}.json"
            if asked.write:
                text = ",\n".join(json.dumps(row) for row in (*found["metrics"], *found["eval"]))
                file.write_text(f"[\n{text}\n]\n")
                print(f"{file.name} written")
                continue
            difference, leaves = first_difference(json.loads(file.read_text()), [*found["metrics"], *found["eval"]])
            different += difference is not None
            print(f"{name}: {leaves} numbers, {difference or 'no difference'}", flush=True)
    sys.exit(different)


if __name__ == "__main__":
    main()
