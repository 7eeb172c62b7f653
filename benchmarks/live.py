"""How fast the live page opens, how well it follows, and what it costs the training. Prints JSON.

    python benchmarks/live.py open                       a run of 20,000,000 steps, from address to drawn curves
    python benchmarks/live.py follow --per-minute 1000   from a row in the file to the page, and what the server uses
    python benchmarks/live.py cost --pairs 5             a training with and without a page beside it, in turn
    python benchmarks/live.py pictures docs/media RUN... the page light, dark and on a phone

Needs playwright and a chromium, as tests/browser does.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from lockstep.config.load import dump_toml, load_config
from lockstep.experience.episodes import EpisodeBatch
from lockstep.experience.evaluate import Evaluation
from lockstep.runs.delivery import deliver
from lockstep.runs.directory import RunDirectory
from lockstep.runs.loggers import JsonlLogger

LOCKSTEP = [sys.executable, "-m", "lockstep"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DRAWN = "() => document.querySelectorAll('.chart:not(.empty) canvas').length === 7"
TRAINING = [
    "smoke",
    "warmup_env_steps=20_000",
    "test_interval=10_000",
    "num_threads=1",
    "training.max_env_steps=100_000",
]


def long_run(path: Path, rows: int, env_steps: int = 20_000_000) -> RunDirectory:
    """A finished run's folder with made-up numbers: `rows` rows of metrics, an evaluation every 50,000 steps."""
    run = RunDirectory.create(path, "solve", 1, dump_toml(load_config("solve", [f"t_max={env_steps}"])))
    rng = np.random.default_rng(1)
    with run.metrics.open("w") as file:
        file.writelines(json.dumps(metrics_row(rng, n + 1, rows, env_steps)) + "\n" for n in range(rows))
    with run.evaluations.open("w") as file:
        for steps in range(50_000, env_steps + 1, 50_000):
            row = {"test_return_mean": 3 * steps / env_steps + rng.random(), "test_return_std": 1.0, "episodes": 100}
            file.write(json.dumps({"env_steps": steps, "wall_seconds": steps / 14_000, **row}) + "\n")
    run.set_status("finished")
    return run


def metrics_row(rng: np.random.Generator, number: int, rows: int, env_steps: int) -> dict[str, float]:
    """As `train` writes it."""
    steps = env_steps * number // rows
    counters = {"env_steps": steps, "episode": steps // 100, "updates": steps // 200, "wall_seconds": steps / 14_000}
    names = ("return_mean", "return_std", "loss", "grad_norm", "td_error_abs", "q_taken_mean", "target_mean")
    noise = {name: number / rows + rng.random() / 5 for name in names}
    speeds = {"env_steps_per_second": 14_000 + 500 * rng.random(), "updates_per_second": 70 + rng.random()}
    return {**counters, "epsilon": 0.7, "replay_episodes": 5000, "ep_length_mean": 100.0, **noise, **speeds}


@contextmanager
def served(path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`lockstep watch` in a process of its own, and its address."""
    command = [*LOCKSTEP, "watch", str(path), "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=which("chromium"), args=FLAGS)
        yield browser
        browser.close()


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and of the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def family_seconds() -> float:
    """Processor time of this process and all that it started, directly or not, and that still run."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(cpu_seconds(pid) for pid in family)


def drawn_after(page: Page, url: str) -> float:
    """Seconds from asking for the page until every curve is drawn."""
    start = time.perf_counter()
    page.goto(url)
    page.wait_for_function(DRAWN)
    return time.perf_counter() - start


def measure_open(folder: Path, repeats: int) -> dict[str, Any]:
    """A server that has read nothing yet, asked by a browser that has seen nothing yet."""
    result: dict[str, Any] = {}
    with chromium() as browser:
        for rows in (2_000, 100_000):
            run = long_run(folder / f"rows-{rows}", rows)
            seconds, processor = [], []
            for _ in range(repeats):
                with served(run.path) as (_, url):
                    page, before = browser.new_context().new_page(), family_seconds()
                    seconds.append(round(drawn_after(page, url), 2))
                    processor.append(round(family_seconds() - before, 2))
                    page.context.close()
            size = round(run.metrics.stat().st_size / 2**20, 1)
            result[f"{rows:,} rows"] = {"mib": size, "seconds": seconds, "processor_seconds": processor}
    return result


def measure_follow(folder: Path, per_minute: int, seconds: float) -> dict[str, Any]:
    """Rows are appended evenly; how late is the page, and how much of a core does the server use?"""
    run, rng, late = long_run(folder / "followed", 2_000), np.random.default_rng(2), []
    with chromium() as browser, served(run.path) as (process, url):
        page = browser.new_page()
        drawn_after(page, url)
        before, start, written = cpu_seconds(process.pid), time.perf_counter(), 0
        while (passed := time.perf_counter() - start) < seconds:
            due = int(passed * per_minute / 60)
            with run.metrics.open("a") as file:
                for number in range(written, due):
                    row = metrics_row(rng, 2001 + number, 2000, 20_000_000)
                    file.write(json.dumps({**row, "updates": 1_000 * (number + 1)}) + "\n")
            written = due
            shown = page.locator("#facts").get_by_text("updates").locator("..").locator("dd").inner_text()
            late.append((written - _updates(shown) / 1_000) * 60 / per_minute)
            time.sleep(0.1)
        used = (cpu_seconds(process.pid) - before) / (time.perf_counter() - start)
    return {
        "rows_per_minute": per_minute,
        "rows_written": written,
        "seconds_late_median": round(statistics.median(late), 2),
        "seconds_late_worst": round(max(late[len(late) // 10 :]), 2),
        "server_share_of_a_core": round(used, 4),
    }


def _updates(text: str) -> float:
    """What the page shows, `12.3k`, as a number."""
    text = text.strip()
    return float(text[:-1]) * {"k": 1e3, "M": 1e6}[text[-1]] if text[-1] in "kM" else float(text)


def measure_cost(folder: Path, pairs: int) -> dict[str, Any]:
    """The same training alone, and with a server and an open page beside it, one after the other."""
    alone, watched, server = [], [], []
    _train(folder / "warm-up")
    with chromium() as browser:
        for number in range(pairs):
            alone.append(_train(folder / f"alone-{number}"))
            with served(folder) as (process, url):
                page = browser.new_page()
                page.goto(f"{url}?run=watched-{number}")
                before, start = cpu_seconds(process.pid), time.perf_counter()
                watched.append(_train(folder / f"watched-{number}"))
                server.append((cpu_seconds(process.pid) - before) / (time.perf_counter() - start))
                page.close()
    slower = statistics.median(one["cpu"] / other["cpu"] - 1 for one, other in zip(watched, alone, strict=True))
    return {
        "training": " ".join(TRAINING),
        "alone": alone,
        "watched": watched,
        "more_processor_time_in_the_training_median": round(slower, 4),
        "server_share_of_a_core_median": round(statistics.median(server), 4),
    }


def measure_recording(folder: Path, repeats: int = 200) -> dict[str, Any]:
    """What an evaluation costs more because its first episode is written down."""
    result = {}
    for steps, agents in ((100, 2), (500, 19)):
        batch = EpisodeBatch(
            obs=torch.zeros(1, steps + 1, agents, 1),
            actions=torch.randint(0, 5, (1, steps, agents)),
            reward=torch.zeros(1, steps, 1),
            terminated=torch.zeros(1, steps, 1, dtype=torch.bool),
            truncated=torch.zeros(1, steps, 1, dtype=torch.bool),
            filled=torch.ones(1, steps, 1, dtype=torch.bool),
        )
        evaluation = Evaluation(batch.returns().numpy(), batch.lengths().numpy(), batch)
        logger, seconds = JsonlLogger(), []
        for _ in range(repeats):
            start = time.perf_counter()
            logger.recording({"env_steps": 1, "seed": 1, **evaluation.first_episode()})
            seconds.append(time.perf_counter() - start)
        result[f"{steps} steps of {agents} agents, milliseconds"] = round(1e3 * statistics.median(seconds), 3)
    return result


def _train(path: Path) -> dict[str, float]:
    """Wall and processor seconds of one training."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*LOCKSTEP, "train", *TRAINING, "-q", "--out", str(path)], check=True)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": round(wall, 2), "cpu": round(cpu, 2)}


def take_pictures(out: Path, runs: list[Path]) -> dict[str, Any]:
    """The page on these runs of one folder, the first in front."""
    out.mkdir(parents=True, exist_ok=True)
    shapes: dict[str, dict[str, Any]] = {
        "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
        "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
        "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    }
    sizes: dict[str, int] = {}
    with chromium() as browser, served(runs[0].parent) as (_, url):
        for name, shape in shapes.items():
            page = browser.new_context(**shape).new_page()
            page.goto(url + "?" + "&".join(f"run={run.name}" for run in runs))
            page.wait_for_function(DRAWN)
            page.locator("#step").wait_for(timeout=120_000)  # a compiler may be at work
            page.locator("#step").fill("38")
            sizes[f"live-{name}"] = save_picture(page, out / f"live-{name}.webp")
    return sizes


def save_picture(page: Page, path: Path) -> int:
    """What a page shows, without a focus ring, as lossless WebP. Returns bytes."""
    page.evaluate("document.activeElement.blur()")
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    deliver({path: lambda temporary: picture.save(temporary, lossless=True, method=6)})
    return path.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("open").add_argument("--repeats", type=int, default=5)
    follow = parts.add_parser("follow")
    follow.add_argument("--per-minute", type=int, default=1000)
    follow.add_argument("--seconds", type=float, default=60.0)
    parts.add_parser("cost").add_argument("--pairs", type=int, default=5)
    pictures = parts.add_parser("pictures")
    pictures.add_argument("out", type=Path)
    pictures.add_argument("runs", type=Path, nargs="+")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.part == "open":
            result = measure_open(Path(folder), arguments.repeats)
        elif arguments.part == "follow":
            result = measure_follow(Path(folder), arguments.per_minute, arguments.seconds)
        elif arguments.part == "cost":
            result = measure_recording(Path(folder)) | measure_cost(Path(folder), arguments.pairs)
        else:
            result = take_pictures(arguments.out, arguments.runs)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
