"""The table and the plot of docs/simulator.md.

python benchmarks/env_throughput.py            times (about five minutes), then prints the table and draws the plot
python benchmarks/env_throughput.py FILE       draws from an earlier `lockstep bench env --json > FILE`
"""

import json
import sys
from pathlib import Path
from typing import Any

from lockstep.analysis.plots import save_figure
from lockstep.bench.env import bench_env, table

PLOT = Path(__file__).parents[1] / "docs" / "media" / "simulator_throughput.svg"
KEYS = [f"rware-{size}-{n}ag-v2" for size in ("tiny", "small", "medium", "large") for n in (2, 4, 8, 14, 19)]


def draw(result: dict[str, Any], path: Path) -> None:
    """Throughput against robots, a line for every size; below it, how much of the memory's bandwidth that is."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "lockstep"
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    sizes: dict[str, list[dict[str, Any]]] = {}
    for row in result["rows"]:
        sizes.setdefault(row["key"].split("-")[1], []).append(row)
    colors = dict(zip(sizes, ("#1b6f58", "#4f74b5", "#d9772b", "#a8323e"), strict=False))
    for size, rows in sizes.items():
        agents, color = [row["agents"] for row in rows], colors[size]
        left.plot(
            agents, [row["one_thread"] for row in rows], "o-", color=color, label=f"{size}, {rows[0]['cells']} cells"
        )
        left.plot(agents, [row["official"] for row in rows], "o:", color=color)
        right.plot(agents, [row["one_thread"] * row["obs_bytes_per_step"] / 1e9 for row in rows], "o-", color=color)
    left.plot([], [], ":", color="gray", label="official package")
    left.set(yscale="log", xlabel="robots", ylabel="env steps per second", title="Steps with observations, one thread")
    left.legend(frameon=False, fontsize=8)
    limit = result["memory_write_bytes_per_second"] / 1e9
    right.axhline(limit, color="gray", linestyle="--")
    right.annotate(
        "one thread filling memory with one value", (2, limit), xytext=(0, 3), textcoords="offset points", fontsize=8
    )
    right.set(xlabel="robots", ylabel="GB per second", ylim=(0, None), title="Observations written")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
        axes.set_xticks(sorted({row["agents"] for row in result["rows"]}))
    save_figure(figure, path)


if __name__ == "__main__":
    measured = json.loads(Path(sys.argv[1]).read_text()) if len(sys.argv) > 1 else bench_env(KEYS)
    print(json.dumps(measured["machine"]))
    print(f"memory: {measured['memory_write_bytes_per_second'] / 1e9:.1f} GB/s written by one thread")
    print(table(measured))
    draw(measured, PLOT)
