"""The verbs that tell what came out: plot, report, export."""

from pathlib import Path
from typing import Annotated

import typer

from lockstep.cli.app import Runs, Trust, app, named_runs, say, sweep_at, tell_unreadable


@app.command()
def plot(
    runs: Runs,
    out: Annotated[Path, typer.Option(help="What to write: NAME.svg, NAME.png or NAME.pdf.")] = Path("curve.svg"),
    metric: Annotated[str, typer.Option(help="A name in metrics.jsonl or eval.jsonl.")] = "test_return_mean",
    over: Annotated[str, typer.Option(help="env_steps, minutes, updates or episode.")] = "env_steps",
    title: Annotated[str | None, typer.Option(help="Above the plot; default the metric's name.")] = None,
) -> None:
    """Draw a metric of one run, or of several: one curve a configuration, with a band over its seeds."""
    from lockstep.analysis.curves import metric_figure
    from lockstep.analysis.plots import check_suffix, save_figure

    check_suffix(out)
    records = named_runs(runs)
    save_figure(metric_figure(records, metric, over, title), out)
    say(f"wrote {out}")
    tell_unreadable(records)


@app.command()
def report(
    runs: Runs,
    out: Annotated[
        Path | None,
        typer.Option(help="What to write: NAME.html; default inside a single run or sweep, else report.html."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Default the configurations' names.")] = None,
    trust: Trust = False,
) -> None:
    """Write a report of one run or several: one HTML file that opens anywhere, a Markdown twin, every plot."""
    from lockstep.analysis.report.build import build_report, default_out, write_report
    from lockstep.doctor import findings

    records = named_runs(runs, trust=trust)
    sweep = sweep_at(runs[0]) if len(runs) == 1 else None
    from lockstep.teams.play import play_best

    extra = None
    if sweep is not None:
        from lockstep.sweeps.report import sweep_sections

        sweep.refuse_links()
        title, out, extra = title or sweep.path.resolve().name, out or sweep.path / "report.html", sweep_sections(sweep)
    document = build_report(records, title, extra, findings, lambda record: play_best(record.directory))
    for path in write_report(document, out or default_out(records)):
        say(f"wrote {path}")
    tell_unreadable(records)


@app.command()
def export(
    runs: Runs,
    file_format: Annotated[str, typer.Option("--format", help="sacred, marl-eval or csv.")] = "csv",
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("export"),
    trust: Trust = False,
) -> None:
    """Write runs as other tools read them: EPyMARL's sacred folders, marl-eval's JSON, CSV."""
    from lockstep.analysis.export import ABSOLUTE_FACTOR, absolute_returns, check_format
    from lockstep.analysis.export import export as write

    check_format(file_format)
    records = named_runs(runs, trust=trust)
    for record in records if file_format == "marl-eval" else ():
        if absolute_returns(record) is None:
            from lockstep.teams.judge import judge

            judge(record.directory, ABSOLUTE_FACTOR * record.config.evaluation.episodes)
    for path in write(records, file_format, out):
        say(f"wrote {path}")
    tell_unreadable(records)
