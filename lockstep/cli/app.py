"""The application itself, and the words that several verbs share."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockstep.errors import UserError
from lockstep.runs.cleaning import printable

if TYPE_CHECKING:
    from lockstep.runs.reader import RunReader
    from lockstep.sweeps.folder import SweepFolder

USER_ERROR, INTERRUPTED = 2, 130

app = typer.Typer(
    name="lockstep",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train, understand and show teams of cooperating robots.\n\n[bold]lockstep[/bold] alone says how to begin.",
)


def complete_presets(incomplete: str) -> list[str]:
    """Names of presets that begin so, for the shell."""
    from lockstep.config.presets import PRESETS

    return [name for name in PRESETS if name.startswith(incomplete)]


def complete_runs(incomplete: str) -> list[str]:
    """Names of runs that begin so, for the shell."""
    from lockstep.runs.directory import list_runs

    return [name for name in ("latest", *(run.path.name for run in list_runs())) if name.startswith(incomplete)]


def complete_theirs(incomplete: str) -> list[str]:
    """Names of EPyMARL's configurations that begin so, for the shell."""
    from lockstep.config.epymarl import SHIPPED

    return [name for name in SHIPPED if name.startswith(incomplete)]


def complete_sources(place: str) -> Callable[[str], list[str]]:
    """Completes presets, and the folders in `place`."""

    def complete(incomplete: str) -> list[str]:
        there = (path.as_posix() for path in sorted(Path(place).glob("*")))
        return [*complete_presets(incomplete), *(path for path in there if path.startswith(incomplete))]

    return complete


def complete_words(incomplete: str) -> list[str]:
    """Settings, ours by their paths and EPyMARL's words, and behind the sign what they may be: the keys of our worlds,
    the words of a setting that has a few."""
    from lockstep.config.epymarl import EPYMARL
    from lockstep.config.knobs import knobs

    name, separator, value = incomplete.partition("=")
    known = knobs()
    if not separator:
        leaves = (path.rpartition(".")[2] for path in known)
        return sorted({f"{word}=" for word in (*known, *leaves, *EPYMARL) if word.startswith(incomplete)})
    if name in ("env.key", "env_args.key"):
        return [f"{name}={key}" for key in complete_keys(value)]
    path = "algorithm.name" if name == "algorithm" else name
    meant = (knob for knob in known.values() if path in (knob.path, knob.path.rpartition(".")[2]))
    return [f"{name}={word}" for knob in meant for word in knob.words if word.startswith(value)]


def complete_keys(incomplete: str) -> list[str]:
    """Keys of worlds that begin so, for the shell."""
    from lockstep.envs.registry import list_envs

    return [row.key for row in list_envs(incomplete) if row.key.startswith(incomplete)]


def choices(*known: str) -> Callable[[str], list[str]]:
    """Completes one of a few words."""
    return lambda incomplete: [word for word in known if word.startswith(incomplete)]


complete_checkpoints = choices("best", "latest")


MaybeSource = Annotated[
    str | None,
    typer.Argument(metavar="PRESET|FILE.toml", autocompletion=complete_presets, help="What to start from."),
]
TheirConfig = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="NAME",
        autocompletion=complete_theirs,
        help="EPyMARL's: an algorithm's name, instead of a preset.",
    ),
]
TheirEnvConfig = Annotated[
    str | None,
    typer.Option(
        "--env-config",
        metavar="gymma",
        autocompletion=choices("gymma"),
        help="As in EPyMARL; the world is env_args.key.",
    ),
]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[key=value]...", autocompletion=complete_words, help="Overrides; EPyMARL's names work too."
    ),
]
MaybeRun = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]", autocompletion=complete_runs, help="A path, the beginning of a run's name, or 'latest'."
    ),
]
Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN", autocompletion=complete_runs, help="A path, the beginning of a run's name, or 'latest'."
    ),
]
Runs = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN...", autocompletion=complete_runs, help="Paths, beginnings of runs' names, 'latest', or sweeps."
    ),
]
Trust = Annotated[bool, typer.Option("--trust", help="Let code run that the folder or file names as its environment.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for scripts.")]
RayAddress = Annotated[
    str | None, typer.Option(help="Ray: the cluster, auto for this node's; default one that is begun here.")
]
SendBack = Annotated[bool, typer.Option("--send-back", help="Ray: nodes share no disk; they send checkpoints back.")]


World = Annotated[
    str | None,
    typer.Option(
        "--env",
        metavar="KEY",
        autocompletion=complete_keys,
        help="Without a run: where the policy plays, an own floor with layout=@FILE.",
    ),
]


def run_or_words(run: str | None, words: Sequence[str] | None) -> tuple[str | None, list[str]]:
    """The run and the `key=value` words, where a word may stand in the run's place because there is none."""
    rest = list(words or [])
    if run is not None and "=" in run and not Path(run).exists():
        return None, [run, *rest]
    if run is not None and rest:
        raise UserError(f"{run} has its own settings; {rest[0]} is for a world without a run, as with --env KEY.")
    return run, rest


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Rows of equal keys as a quiet table, which is never too narrow for its longest words."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        print("nothing found")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    cells = [["" if value is None else _cell(value) for value in row.values()] for row in rows]
    for index, name in enumerate(rows[0]):
        heading = name.replace("_", " ")
        words = " ".join((heading, *(row[index] for row in cells))).split()
        longest = max(map(len, words), default=0)
        table.add_column(heading, overflow="fold", no_wrap=index == 0, min_width=longest)
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table, crop=False)


def sweep_at(text: str) -> "SweepFolder | None":
    """The sweep that `text` names, if it is the folder of one."""
    from lockstep.sweeps.folder import SweepFolder

    return SweepFolder.open(Path(text)) if SweepFolder.is_sweep(Path(text)) else None


def named_runs(texts: Sequence[str], *, trust: bool = False) -> "list[RunReader]":
    """The runs that are named, and for a sweep those that have begun. trust: let them name code."""
    from lockstep import trust as consent
    from lockstep.runs.reader import RunReader

    records = []
    for text in dict.fromkeys(texts):
        sweep = sweep_at(text)
        if sweep is None:
            records.append(RunReader.find(text))
            continue
        from lockstep.sweeps.report import sweep_records

        if trust:
            consent.allow(sweep.path)
        records += sweep_records(sweep)
    for record in records if trust else ():
        consent.allow(record.directory.path)
    return records


def tell_unreadable(records: "Sequence[RunReader]") -> None:
    """Say what of these runs could not be read. If that is something, leave with exit code 1, or 2 if all of it."""
    told = [f"{record.name}: {sentence}" for record in records for sentence in record.unreadable()]
    for sentence in told:
        say(f"lockstep: {sentence}", error=True)
    if told:
        raise typer.Exit(USER_ERROR if all(record.is_empty for record in records) else 1)


def say(text: str, *, error: bool = False) -> None:
    """Print what may hold the name of a file, or words out of one, so that nothing in it is obeyed."""
    print(printable(text), file=sys.stderr if error else sys.stdout, flush=True)


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}" if isinstance(value, float) else str(value)
