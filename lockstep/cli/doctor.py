"""The verb that says why something will not learn."""

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockstep import trust as consent
from lockstep.cli.app import Json, Trust, Words, app, choices, complete_runs, complete_sources, say, sweep_at
from lockstep.errors import UserError
from lockstep.shell import command_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lockstep.config.schema import RunConfig
    from lockstep.doctor.diagnosis import Diagnosis
    from lockstep.doctor.early import Outlook
    from lockstep.doctor.machine import Machine
    from lockstep.doctor.task import MeasuredTask
    from lockstep.runs.directory import RunDirectory
    from lockstep.runs.reader import RunReader
    from lockstep.sweeps.folder import SweepFolder
    from lockstep.training.time_left import Pace


def _findings(incomplete: str) -> list[str]:
    from lockstep.doctor.explain import explained_names

    return [name for name in explained_names() if name.startswith(incomplete)]


def _subjects(incomplete: str) -> list[str]:
    return [*complete_sources("sweeps")(incomplete), *complete_runs(incomplete), *choices("env")(incomplete)]


@app.command()
def doctor(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="PRESET|FILE.toml|RUN|SWEEP|env",
            autocompletion=_subjects,
            help="What to look at; `env KEY` for a world.",
        ),
    ] = None,
    words: Words = None,
    fix: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Write the remedied configuration here.")
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Train on tiny worlds with known answers: is it my setup?")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="FINDING", autocompletion=_findings, help="Say all of one finding."),
    ] = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Say why it will not learn, before a day is spent, or why it did not.

    A preset or a file is judged before it runs: the task is measured by random play. A run (or 'latest') is judged by
    what it wrote.
    """
    if explain is not None:
        _explain(explain, as_json)
    elif probe:
        _probe(as_json)
    elif what is None:
        raise UserError(
            "Say what to look at: `lockstep doctor solve`, `lockstep doctor latest`, `lockstep doctor --probe`."
        )
    elif what == "env":
        _env(words or [], as_json)
    elif _is_configuration(what):
        if trust:
            consent.allow(Path(what))
        _before(what, words or [], fix, as_json)
    elif (sweep := sweep_at(what)) is not None:
        _sweep(sweep, as_json)
    else:
        if words or fix:
            raise UserError(
                f"{what!r} is a run: it has ended or begun, so overrides and --fix are for what comes next."
            )
        _after(what, as_json, trust=trust)


def look_before(config: "RunConfig", *, quickly: bool = False) -> "Diagnosis":
    """The diagnosis of a configuration on this machine: the task measured, the loop timed."""
    from lockstep.doctor.diagnosis import diagnose
    from lockstep.doctor.task import measure_task

    effort = 0.5 if quickly else 1.0
    task = measure_task(config, effort)
    return diagnose(config, task, _machine(config, task, effort))


def announce(config: "RunConfig", source: "Sequence[str]") -> "Pace | None":
    """The verdict in a few lines, before a training begins. source: the words that the configuration came from.

    Returns how long its phases take, as measured.
    """
    from rich.console import Console

    from lockstep.cli.doctor_text import console, short_lines
    from lockstep.config.presets import USUAL_END

    with Console(stderr=True).status("the doctor plays at random, --no-doctor skips it"):
        diagnosis = look_before(config, quickly=True)
    words = [word for word in source[1:] if not word.startswith("seed=")]
    usual = None if words else USUAL_END.get(source[0])
    for line in short_lines(diagnosis, command_line("doctor", *source), usual):
        console().print(line, crop=False)
    return diagnosis.forecast.pace


def watching(run: "RunDirectory") -> "Callable[[], list[str]]":
    """Tells, whenever it is asked, the problems and warnings in a run that it has not told before."""
    from lockstep.doctor import findings
    from lockstep.runs.reader import RunReader

    record, told = RunReader(run), set[str]()

    def look() -> list[str]:
        record.refresh()
        new = [finding for finding in findings(record) if finding.severity != "note" and finding.name not in told]
        told.update(finding.name for finding in new)
        return [f"doctor: {finding.title}. `{command_line('doctor', run.path)}` says more." for finding in new]

    return look


def _explain(name: str, as_json: bool) -> None:
    from rich.markdown import Markdown

    from lockstep.cli.doctor_text import console
    from lockstep.doctor.explain import page_of

    page = page_of(name)
    if as_json:
        print(json.dumps({"finding": name, "page": page}))
    else:
        console().print(Markdown(page))


def _is_configuration(what: str) -> bool:
    from lockstep.config.presets import PRESETS
    from lockstep.config.sacred import SHELF

    return what in PRESETS or what.endswith((".toml", ".json")) or what.startswith(SHELF)


def _machine(config: "RunConfig", task: "MeasuredTask", seconds: float) -> "Machine":
    from lockstep.algorithms.feed_memory import reserved_bytes
    from lockstep.compute.machine import available_bytes, can_reserve
    from lockstep.doctor.machine import Machine
    from lockstep.training.speed import measure_speed

    speed = measure_speed(config, seconds)
    reserved = reserved_bytes(config, task.spec, masks=task.masks)
    refused = math.inf if can_reserve(reserved) else reserved
    return Machine(speed.collection, speed.update, speed.warmup_step, available_bytes(), refused)


def _before(source: str, words: list[str], fix: Path | None, as_json: bool) -> None:
    from rich.console import Console

    from lockstep.config.load import dump_toml, load_config
    from lockstep.doctor.diagnosis import fixed
    from lockstep.training import command

    config = load_config(source, words)
    # A finding says more about a replay that does not fit.
    config = command.prepare(config, lambda sentence: typer.echo(sentence, err=True), replay_must_fit=False)
    if fix is not None and (fix.exists() or not fix.parent.is_dir()):
        why = "is there already" if fix.exists() else "cannot be written (there is no such folder)"
        raise UserError(f"{fix} {why}. Choose another name for --fix.")
    with Console(stderr=True).status("playing at random, timing the loop"):
        diagnosis = look_before(config)
        better, applied = fixed(diagnosis) if fix is not None else (diagnosis, ())
    if fix is not None:
        from lockstep.runs.delivery import deliver

        deliver({fix: dump_toml(better.forecast.config)}, "Choose another name for --fix.")
    if as_json:
        fix_row = {} if fix is None else {"fix": {"file": str(fix), "overrides": applied, "verdict": better.verdict}}
        print(_dumped({**diagnosis.row(), **fix_row}))
        return
    from lockstep.cli.doctor_text import print_diagnosis

    print_diagnosis(diagnosis, [source, *words])
    if fix is not None:
        changed = " ".join(applied) or "nothing needed a change"
        say(f"\n  {fix} holds the remedied configuration: {changed}\n  verdict: {better.verdict}")


def _after(what: str, as_json: bool, *, trust: bool) -> None:
    from lockstep.doctor import findings
    from lockstep.runs.reader import RunReader

    record = RunReader.find(what)
    if trust:
        consent.allow(record.directory.path)
    found = findings(record)
    unfinished = record.standing in ("running", "interrupted", "died")
    ahead = None
    if unfinished and record.env_steps > record.config.collection.warmup_env_steps:
        try:
            ahead = _outlook(record)
        except (
            UserError
        ) as error:  # its world cannot be made here, or may not: what was written can be judged all the same
            print(f"There is no outlook: {error}", file=sys.stderr)
    if as_json:
        row = {"run": str(record.directory.path), "status": record.standing, "env_steps": record.env_steps}
        outlook = None if ahead is None else {"verdict": ahead.verdict, "problems": ahead.problems}
        print(_dumped({**row, "outlook": outlook, "findings": [finding.row() for finding in found]}))
    else:
        from lockstep.cli.doctor_text import print_findings

        print_findings(found, record, ahead)
    unread = next((finding for finding in found if finding.name == "unreadable"), None)
    if unread is not None and unread.severity != "note":
        raise typer.Exit(2 if unread.severity == "problem" else 1)


def _sweep(sweep: "SweepFolder", as_json: bool) -> None:
    """What is wrong with the runs of a sweep, and which cells were set aside."""
    from dataclasses import asdict

    from lockstep.doctor import findings
    from lockstep.sweeps.report import shared_findings

    shared = shared_findings(
        sweep, lambda record: [(found.name, found.severity, found.title) for found in findings(record)]
    )
    aside = [(cell.number, sweep.history(cell)) for cell in sweep.cells]
    reasons = {number: history.reason for number, history in aside if history.standing == "set aside"}
    if as_json:
        print(_dumped({"sweep": str(sweep.path), "findings": [asdict(one) for one in shared], "set_aside": reasons}))
        return
    from lockstep.cli.doctor_text import print_shared

    print_shared(shared, reasons, sweep)


def _outlook(record: "RunReader") -> "Outlook":
    """Whether what is left of a run can still make it learn."""
    from lockstep.doctor.early import outlook
    from lockstep.doctor.forecast import forecast_of
    from lockstep.doctor.task import measure_task

    return outlook(record, forecast_of(record.config, measure_task(record.config, 0.5)))


def _probe(as_json: bool) -> None:
    """Exit code 1 where a world's answer was not reached."""
    from dataclasses import asdict

    from rich.console import Console

    from lockstep.training.learning_check import check_learning

    results = []
    with Console(stderr=True).status("training on tiny worlds") as status:
        for result in check_learning():
            status.update(f"{result.probe} with {result.algorithm}: {result.reached:g}")
            results.append(result)
    sound = all(result.sound for result in results)
    if as_json:
        rows = [{**asdict(result), "sound": result.sound} for result in results]
        print(_dumped({"sound": sound, "probes": rows}))
    else:
        from lockstep.cli.doctor_text import print_probes

        print_probes(results, sound)
    if not sound:
        raise typer.Exit(1)


def _env(words: list[str], as_json: bool) -> None:
    """Exit code 1 where a promise is broken."""
    from lockstep.config.load import validated, with_changes
    from lockstep.config.words import parse_words
    from lockstep.doctor.world import as_rows, check_env
    from lockstep.envs.registry import make_env, try_out

    if not words or "=" in words[0]:
        raise UserError(
            "Name an environment, and what `lockstep train` would be told of it: `lockstep doctor env "
            "rware-tiny-2ag-v2 env.time_limit=100`. `lockstep envs` lists them."
        )
    changes = {"env.key": words[0], **parse_words(words[1:])}
    config = validated(with_changes({}, changes))
    try_out(config.env)
    promises = check_env(lambda lanes, seed: make_env(config.env, lanes, seed))
    kept = all(promise.outcome != "broken" for promise in promises)
    if as_json:
        print(_dumped({"key": words[0], "conforms": kept, "promises": as_rows(promises)}))
    else:
        from lockstep.cli.doctor_text import print_promises

        print_promises(promises, words[0], kept)
    if not kept:
        raise typer.Exit(1)


def _dumped(row: Any) -> str:
    """One JSON object; what is not a number becomes null."""
    return json.dumps(_finite(row), default=str)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
