"""The command line: each verb is a few lines; what is heavy is imported inside it."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lockstep import __version__
from lockstep.errors import UserError

USER_ERROR, INTERRUPTED = 2, 130

app = typer.Typer(
    name="lockstep",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train, understand and show teams of cooperating robots.\n\n"
    "Begin with [bold]lockstep train smoke[/bold] (20 seconds), then [bold]lockstep train solve[/bold].",
)


def _presets(incomplete: str) -> list[str]:
    from lockstep.config.presets import PRESETS

    return [name for name in PRESETS if name.startswith(incomplete)]


def _runs(incomplete: str) -> list[str]:
    from lockstep.run_directory import list_runs

    return [name for name in ("latest", *(run.path.name for run in list_runs())) if name.startswith(incomplete)]


Source = Annotated[str, typer.Argument(metavar="PRESET|FILE.toml", autocompletion=_presets, help="What to start from.")]
Words = Annotated[
    list[str] | None, typer.Argument(metavar="[key=value]...", help="Overrides; EPyMARL's names work too.")
]
Run = Annotated[
    str, typer.Argument(metavar="RUN", autocompletion=_runs, help="A path, the beginning of a run's name, or 'latest'.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for scripts.")]


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"lockstep {__version__}")
        raise typer.Exit


@app.command()
def train(
    source: Source,
    words: Words = None,
    out: Annotated[Path | None, typer.Option(help="The run directory; default runs/PRESET-sSEED-TIME.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a team, then confirm it on the official package."""
    from lockstep.config.load import dump_toml, load_config
    from lockstep.run_directory import RunDirectory

    config = load_config(source, words or [])
    from lockstep.training import command

    command.check(config)
    run = RunDirectory.create(out, Path(source).stem, config.seed, dump_toml(config))
    _finish(command.train(config, run, quiet=quiet or as_json), as_json=as_json, quiet=quiet)


@app.command()
def resume(run: Run, quiet: Quiet = False, as_json: Json = False) -> None:
    """Continue a run exactly where it stopped."""
    from lockstep.run_directory import RunDirectory
    from lockstep.training import command

    found = RunDirectory.find(run)
    _finish(command.resume(found, quiet=quiet or as_json), as_json=as_json, quiet=quiet)


@app.command()
def evaluate(
    run: Run,
    episodes: Annotated[int, typer.Option(help="Greedy episodes to play.")] = 100,
    engine: Annotated[str, typer.Option(help="lockstep, or official: the package the task comes from.")] = "lockstep",
    checkpoint: Annotated[str, typer.Option(help="best, latest, or a number of env steps.")] = "best",
    as_json: Json = False,
) -> None:
    """Judge a run's best policy on episodes it has never seen."""
    from lockstep.run_directory import RunDirectory

    if engine not in ("lockstep", "official"):
        raise UserError(f"--engine {engine} is unknown; it must be lockstep or official.")
    found = RunDirectory.find(run)
    from lockstep.training.evaluate_run import evaluate_run

    row = evaluate_run(found, episodes, "official" if engine == "official" else "lockstep", checkpoint).row()
    if as_json:
        print(json.dumps(row))
    else:
        print(
            f"{found.path.name}, {row['env_steps']:,} env steps: test return {row['test_return_mean']:.2f} ± "
            f"{row['test_return_std']:.2f} over {row['episodes']} episodes ({row['engine']} engine)"
        )


@app.command()
def envs(
    filter_: Annotated[str | None, typer.Argument(metavar="[FILTER]", help="Only keys that contain this.")] = None,
    as_json: Json = False,
) -> None:
    """List environments."""
    from dataclasses import asdict

    from lockstep.envs.registry import list_envs

    rows = [asdict(row) for row in list_envs(filter_)]
    if as_json:
        print(json.dumps(rows))
    else:
        _table(rows)


@app.command()
def presets(as_json: Json = False) -> None:
    """List presets."""
    from lockstep.config.presets import PRESETS, summary

    rows = [{"preset": name, "what it is": summary(name)} for name in PRESETS]
    print(json.dumps(rows)) if as_json else _table(rows)


@app.command()
def config(
    source: Source,
    words: Words = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what every setting means.")] = False,
    as_json: Json = False,
) -> None:
    """Print the resolved configuration as TOML, ready to be saved and trained."""
    from lockstep.config.load import dump_toml, explain_toml, load_config

    resolved = load_config(source, words or [])
    print(resolved.model_dump_json() if as_json else (explain_toml if explain else dump_toml)(resolved), end="")


@app.command()
def runs(as_json: Json = False) -> None:
    """List the runs in this folder."""
    from lockstep.run_directory import list_runs, read_rows

    rows = []
    for run in list_runs():
        info, evaluations = run.read_info(), read_rows(run.evaluations)
        rows.append(
            {
                "run": run.path.name,
                "status": info.get("status", "unknown"),
                "env steps": evaluations[-1].get("env_steps") if evaluations else None,
                "best test return": max((row.get("test_return_mean", 0.0) for row in evaluations), default=None),
            }
        )
    print(json.dumps(rows)) if as_json else _table(rows)


@app.command()
def verify(
    world: Annotated[str, typer.Argument(metavar="rware", help="What to compare with its official package.")],
    steps: Annotated[int, typer.Option(help="Steps of one warehouse to compare.")] = 100_000,
    keys: Annotated[str | None, typer.Option(help="Only keys that match this (* and ?) or contain it.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of warehouses and drivers; default a fresh one, printed.")] = None,
    as_json: Json = False,
) -> None:
    """Play our simulator and the official package side by side, until they differ or the steps are used up."""
    if world != "rware":
        raise UserError(f"There is no official package to compare {world!r} with; write `lockstep verify rware`.")
    from rich.console import Console

    from lockstep.envs.rware.verify import verify as compare

    with Console(stderr=True).status("comparing") as status:

        def show(family: str, done: int, total: int) -> None:
            status.update(f"{done:,} of {total:,} steps compared, now {family}")

        report = compare(keys, steps, seed, show)
    print(report.to_json() if as_json else report.text())
    if report.difference is not None:
        raise typer.Exit(1)


@app.command()
def bench(
    part: Annotated[str, typer.Argument(metavar="env", help="What to time.")],
    keys: Annotated[list[str] | None, typer.Option(help="An environment key; repeat for several.")] = None,
    rounds: Annotated[int, typer.Option(help="Interleaved rounds; medians are printed.")] = 5,
    seconds: Annotated[float, typer.Option(help="Seconds of every single timing.")] = 0.3,
    as_json: Json = False,
) -> None:
    """Time the simulator and the official package, one after the other in the same minute."""
    if part != "env":
        raise UserError(f"There is no benchmark {part!r}; write `lockstep bench env`.")
    from lockstep.bench.env import bench_env, table

    result = bench_env(keys, rounds, seconds)
    print(json.dumps(result) if as_json else table(result))


def _finish(outcome: Any, *, as_json: bool, quiet: bool) -> None:
    """Print how a training ended, and leave with its exit code."""
    if as_json:
        print(json.dumps(outcome.row()))
    elif not quiet:
        print(outcome.text())
    if outcome.result.stopped_because == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _table(rows: Sequence[dict[str, Any]]) -> None:
    """Rows of equal keys as a quiet table."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        print("nothing found")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for index, name in enumerate(rows[0]):
        table.add_column(name, overflow="fold", no_wrap=index == 0)
    for row in rows:
        table.add_row(*("" if value is None else _cell(value) for value in row.values()))
    Console().print(table)


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}" if isinstance(value, float) else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """The `lockstep` command. Returns the exit code: 0, 2 for a user's mistake, 130 when interrupted."""
    run: Callable[..., Any] = typer.main.get_command(app).main
    try:
        code = run(args=None if arguments is None else list(arguments), prog_name="lockstep", standalone_mode=False)
    except UserError as error:
        print(f"lockstep: {error}", file=sys.stderr)
        return USER_ERROR
    except typer.TyperException as error:
        print(f"lockstep: {error.format_message().rstrip('.')}. `lockstep --help` shows the commands.", file=sys.stderr)
        return USER_ERROR
    except (KeyboardInterrupt, typer.Abort):
        print("lockstep: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return code if isinstance(code, int) else 0
