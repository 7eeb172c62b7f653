"""The verbs that tell what came out: plot, sync, report, export."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lockstep import trust as consent
from lockstep.cli.app import (
    Runs,
    Trust,
    app,
    choices,
    complete_checkpoints,
    named_runs,
    say,
    sweep_at,
    tell_unreadable,
)
from lockstep.errors import UserError
from lockstep.formats import counted

FOLLOW_SECONDS = 10.0
TEAM_FORMATS = ("onnx", "torchscript", "npz", "epymarl")
"""What `export` writes of a team, and not of its numbers."""


def complete_metrics(incomplete: str) -> list[str]:
    """Names of metrics that begin so, for the shell."""
    from lockstep.runs.metrics import METRICS

    return [name for name in METRICS if name.startswith(incomplete)]


@app.command()
def plot(
    runs: Runs,
    out: Annotated[
        Path | None, typer.Option(help="NAME.svg, NAME.png or NAME.pdf; default METRIC.svg in the run, or beside them.")
    ] = None,
    metric: Annotated[
        str, typer.Option(autocompletion=complete_metrics, help="A name in metrics.jsonl or eval.jsonl.")
    ] = "test_return_mean",
    over: Annotated[
        str,
        typer.Option(
            autocompletion=choices("env_steps", "minutes", "updates", "episode"),
            help="env_steps, minutes, updates or episode.",
        ),
    ] = "env_steps",
    title: Annotated[str | None, typer.Option(help="Above the plot; default the metric's name.")] = None,
) -> None:
    """Draw a metric of one run, or of several: one curve a configuration, with a band over its seeds.

    Folders of EPyMARL's (results/sacred/...) can stand beside ours.
    """
    from lockstep.analysis.curves import metric_figure
    from lockstep.analysis.plots import check_suffix, save_figure
    from lockstep.analysis.report.build import default_out
    from lockstep.runs.reader import RunReader
    from lockstep.runs.sacred import SacredReader, sacred_folders

    if out is not None:
        check_suffix(out)
    records: list[RunReader] = []
    for run in dict.fromkeys(runs):
        records += [SacredReader(folder) for folder in sacred_folders(Path(run))] or named_runs([run])
    figure = metric_figure(records, metric, over, title)
    place = out or default_out(records, f"{metric}.svg")
    save_figure(figure, place)
    say(f"wrote {place}")
    tell_unreadable(records)


@app.command()
def sync(
    runs: Runs,
    to: Annotated[
        str,
        typer.Option(autocompletion=choices("tensorboard", "mlflow", "wandb"), help="tensorboard, mlflow or wandb."),
    ],
    out: Annotated[Path | None, typer.Option(help="The folder that is written into; default synced/NAME.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until none of them is training any more, looking every ten seconds.")
    ] = False,
    trust: Trust = False,
) -> None:
    """Write the rows of runs where TensorBoard, MLflow or Weights & Biases read them; again: what is new.

    Everything stays on this machine. A run that was resumed is one run there.
    """
    from lockstep.runs import followers

    place = out or Path("synced") / to
    follower = followers.follower_named(to, place)
    while True:
        records = named_runs(runs, trust=trust)
        told = [followers.follow(record, follower) for record in records]
        say(f"wrote {counted(sum(told), 'new point')} of {counted(len(records), 'run')} into {place}")
        if not follow or all(record.directory.is_abandoned() for record in records):
            break
        time.sleep(FOLLOW_SECONDS)
    tell_unreadable(records)


@app.command()
def report(
    runs: Runs,
    out: Annotated[
        Path | None,
        typer.Option(help="What to write: NAME.html; default report.html in the run or sweep, or beside the runs."),
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
        from lockstep.sweeps.report import reported_records, sweep_sections

        sweep.refuse_links()
        title, out, extra = title or sweep.path.resolve().name, out or sweep.path / "report.html", sweep_sections(sweep)
        records = reported_records(sweep, records)
    document = build_report(records, title, extra, findings, lambda record: play_best(record.directory))
    for path in write_report(document, out or default_out(records)):
        say(f"wrote {path}")
    tell_unreadable(records)


@app.command()
def export(
    runs: Runs,
    file_format: Annotated[
        str,
        typer.Option(
            "--format",
            autocompletion=choices("csv", "sacred", "marl-eval", *TEAM_FORMATS),
            help="Numbers: csv, sacred, marl-eval. The team: onnx, torchscript, npz, epymarl.",
        ),
    ] = "csv",
    out: Annotated[
        Path | None, typer.Option(help="A folder (default export, in the run or beside them), or a team's file.")
    ] = None,
    checkpoint: Annotated[
        str,
        typer.Option(autocompletion=complete_checkpoints, help="Which team: best, latest, or a number of env steps."),
    ] = "best",
    trust: Trust = False,
) -> None:
    """Write runs as other tools read them: numbers as tables, or the team as a file that runs without Lockstep."""
    from lockstep.analysis.export import ABSOLUTE_FACTOR, absolute_returns, check_format
    from lockstep.analysis.export import export as write
    from lockstep.analysis.report.build import default_out

    if file_format in TEAM_FORMATS:
        _export_teams(list(dict.fromkeys(runs)), file_format, out, checkpoint, trusted=trust)
        return
    check_format(file_format)
    records = named_runs(runs, trust=trust)
    for record in records if file_format == "marl-eval" else ():
        if absolute_returns(record) is None:
            from lockstep.teams.judge import judge

            judge(record.directory, ABSOLUTE_FACTOR * record.config.evaluation.episodes)
    for path in write(records, file_format, out or default_out(records, "export")):
        say(f"wrote {path}")
    tell_unreadable(records)


def _export_teams(runs: Sequence[str], file_format: str, out: Path | None, checkpoint: str, *, trusted: bool) -> None:
    """Write the teams of runs, and say what can be done with them."""
    from lockstep.runs.directory import RunDirectory

    if len(runs) > 1 and out is not None and file_format != "epymarl":
        raise UserError(f"--out {out} is one file, and {len(runs)} runs have a team each. Leave --out away.")
    for found in map(RunDirectory.find, runs):
        if trusted:
            consent.allow(found.path)
        if file_format == "epymarl":
            from lockstep.teams.epymarl import export_checkpoint

            paths, command = export_checkpoint(found, out or found.path / "epymarl", checkpoint)
            for path in paths:
                say(f"wrote {path}")
            say(f"\n  {command}")
        else:
            from lockstep.teams.portable.write import write_team

            say(f"wrote {write_team(found, file_format, out, checkpoint)}")
