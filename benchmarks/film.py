"""How long films take, how large they are, and how soon the demo plays. Prints JSON.

    python benchmarks/film.py films              100 steps as GIF, MP4, page and PNGs, start-up not counted
    python benchmarks/film.py demo               from `lockstep demo` to the first picture in a browser
    python benchmarks/film.py pictures docs/media    the demo's page light, dark and on a phone

The last two need playwright and a chromium, as tests/browser does.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from live import chromium, family_seconds, save_picture

from lockstep.show.film import write
from lockstep.teams.play import play

WORLDS = {"rware-tiny-2ag-v2": "light", "rware-large-19ag-v2": "dark", "mpe:simple_spread_v3": "light"}
STEPS = 100
DRAWN = (
    "() => new Set(document.querySelector('canvas.floor').getContext('2d').getImageData(0, 0, 300, 300).data).size > 9"
)


def measure_films(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds to play and write, in turn, by the clock and of the processor, and bytes."""
    result: dict[str, Any] = {}
    for key, theme in WORLDS.items():
        play(policy="heuristic", env_key=key, time_limit=STEPS)  # what is compiled, is compiled now
        seconds: dict[str, list[tuple[float, float]]] = {}
        sizes: dict[str, int] = {}
        for number in range(repeats):
            for ending in (".gif", ".mp4", ".html", ""):
                out = folder / f"{key.replace(':', '-')}-{number}{ending}"
                clock, processor = time.perf_counter(), time.process_time()
                write(play(policy="heuristic", env_key=key, seed=number, time_limit=STEPS), out, theme)
                seconds.setdefault(ending or "png", []).append(
                    (time.perf_counter() - clock, time.process_time() - processor)
                )
                files = [out] if ending else list(out.iterdir())
                sizes[ending or "png"] = max(sizes.get(ending or "png", 0), sum(file.stat().st_size for file in files))
        result[key] = {
            form: {
                "seconds_median": round(statistics.median(wall for wall, _ in times), 2),
                "processor_seconds_median": round(statistics.median(used for _, used in times), 2),
                "kilobytes_most": round(sizes[form] / 1000),
            }
            for form, times in seconds.items()
        }
    return result


def measure_demo(repeats: int) -> dict[str, Any]:
    """A new process each time, until its page has drawn a picture in a browser that is open already."""
    drawn, processor = [], []
    with chromium() as browser:
        for _ in range(repeats):
            page, start, before = browser.new_page(), time.perf_counter(), family_seconds()
            page.goto(demo_page().as_uri())
            page.wait_for_function(DRAWN)
            drawn.append(round(time.perf_counter() - start, 2))
            processor.append(round(family_seconds() - before, 2))
            page.close()
    return {"seconds": drawn, "processor_seconds": processor}


def demo_page() -> Path:
    """What `lockstep demo` writes."""
    command = [sys.executable, "-m", "lockstep", "demo", "--no-open"]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


def take_pictures(out: Path) -> dict[str, Any]:
    """The demo's page with a robot selected, some steps into the episode."""
    shapes: dict[str, dict[str, Any]] = {
        "light": {"viewport": {"width": 1280, "height": 820}, "color_scheme": "light"},
        "dark": {"viewport": {"width": 1280, "height": 820}, "color_scheme": "dark"},
        "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    }
    address, sizes = demo_page().as_uri(), {}
    with chromium() as browser:
        for name, shape in shapes.items():
            page = browser.new_context(**shape).new_page()
            page.goto(address)
            for key in ("Home", "1", *["PageDown"] * 4):
                page.keyboard.press(key)
            sizes[f"player-{name}"] = save_picture(page, out / f"player-{name}.webp")
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("films").add_argument("--repeats", type=int, default=5)
    parts.add_parser("demo").add_argument("--repeats", type=int, default=5)
    parts.add_parser("pictures").add_argument("out", type=Path)
    arguments = parser.parse_args()
    if arguments.part == "films":
        with tempfile.TemporaryDirectory() as folder:
            result = measure_films(Path(folder), arguments.repeats)
    elif arguments.part == "demo":
        result = measure_demo(arguments.repeats)
    else:
        result = take_pictures(arguments.out)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
