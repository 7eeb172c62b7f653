"""The verbs that tell what came out: plot, report."""

from pathlib import Path
from typing import Annotated

import typer

from lockstep.cli.app import Runs, app


@app.command()
def plot(
    runs: Runs,
    out: Annotated[Path, typer.Option(help="What to write: NAME.svg, NAME.png or NAME.pdf.")] = Path("curve.svg"),
    metric: Annotated[str, typer.Option(help="A name in metrics.jsonl or eval.jsonl.")] = "test_return_mean",
    over: Annotated[str, typer.Option(help="env_steps, minutes, updates or episode.")] = "env_steps",
    title: Annotated[str | None, typer.Option(help="Above the plot; default the metric's name.")] = None,
) -> None:
    """Draw a metric of one run, or of several: one curve a configuration, with a band over its seeds."""
    from lockstep.runs.curves import metric_figure
    from lockstep.runs.plots import check_suffix, save_figure
    from lockstep.runs.record import RunRecord

    check_suffix(out)
    records = [RunRecord.find(run) for run in dict.fromkeys(runs)]
    save_figure(metric_figure(records, metric, over, title), out)
    print(f"wrote {out}")


@app.command()
def report(
    runs: Runs,
    out: Annotated[
        Path | None, typer.Option(help="What to write: NAME.html; default inside a single run, else report.html.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Default the configurations' names.")] = None,
) -> None:
    """Write a report of one run or several: one HTML file that opens anywhere, a Markdown twin, every plot."""
    from lockstep.runs.record import RunRecord
    from lockstep.runs.report.build import build_report, default_out, write_report

    records = [RunRecord.find(run) for run in dict.fromkeys(runs)]
    document = build_report(records, title)
    for path in write_report(document, out or default_out(records)):
        print(f"wrote {path}")
