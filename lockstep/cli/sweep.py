"""The verb for many runs: plan them, do what is left of them, see how they stand."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockstep import trust as consent
from lockstep.cli.app import (
    Json,
    Quiet,
    RayAddress,
    SendBack,
    Trust,
    app,
    choices,
    complete_sources,
    complete_words,
    say,
)
from lockstep.errors import UserError
from lockstep.formats import counted
from lockstep.shell import command_line

if TYPE_CHECKING:
    from lockstep.sweeps.folder import SweepFolder
    from lockstep.sweeps.local import Engine, Job
    from lockstep.sweeps.slurm import Submission

ENGINES = ("local", "slurm", "ray")


@app.command()
def sweep(
    source: Annotated[
        str,
        typer.Argument(
            metavar="PRESET|FILE.toml|SWEEP",
            autocompletion=complete_sources("sweeps"),
            help="What to vary, or the folder of a sweep to go on with.",
        ),
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[key=values]...",
            autocompletion=complete_words,
            help="Overrides with several values: seed=1..5 env.key=a,b lr=1e-3.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The sweep's folder; default sweeps/NAME-NUMBER.")] = None,
    on: Annotated[
        str,
        typer.Option(
            autocompletion=choices(*ENGINES),
            help="Who does the work: local (this machine), slurm (an array job) or ray.",
        ),
    ] = "local",
    at_once: Annotated[
        int | None, typer.Option(help="Cells at a time; default as many as there are cores for.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Cores for each cell, where its settings leave that open.")] = 1,
    cpus: Annotated[int, typer.Option(help="SLURM: cores for each cell.")] = 1,
    hours: Annotated[float, typer.Option(help="SLURM: time limit of each cell, which saves before it.")] = 24.0,
    memory: Annotated[str, typer.Option(help="SLURM: memory for each cell.")] = "4G",
    gpus: Annotated[
        int, typer.Option(help="Cards of this machine to spread cells over; SLURM and Ray: GPUs for each cell.")
    ] = 0,
    per_gpu: Annotated[int, typer.Option(help="Cells at a time on each card; SLURM has one.")] = 1,
    partition: Annotated[str | None, typer.Option(help="SLURM: where to.")] = None,
    account: Annotated[str | None, typer.Option(help="SLURM: whose time it takes.")] = None,
    address: RayAddress = None,
    send_back: SendBack = False,
    write_only: Annotated[bool, typer.Option("--write-only", help="SLURM: write the script, send nothing.")] = False,
    only: Annotated[int | None, typer.Option(help="Do what is left of this cell, here and now; for engines.")] = None,
    status: Annotated[bool, typer.Option("--status", help="Say how every cell stands.")] = False,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only plan it, and say how long it would take.")] = False,
    set_aside: Annotated[int | None, typer.Option(help="Leave this cell out from now on.")] = None,
    revive: Annotated[int | None, typer.Option(help="Let this cell be tried again.")] = None,
    trust: Trust = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train many runs: every combination of the values given. The folder goes on wherever it was stopped."""
    if on not in ENGINES:
        raise UserError(f"--on {on} is unknown; it must be {', '.join(ENGINES[:-1])} or {ENGINES[-1]}.")
    check_numbers(at_once, threads)
    for option, number, least in (("--gpus", gpus, 0), ("--per-gpu", per_gpu, 1)):
        if number < least:
            raise UserError(f"{option} {number} must be at least {least}.")
    if trust:
        consent.allow(Path(source))
    from lockstep.sweeps.folder import SweepFolder

    there = Path(source)
    if SweepFolder.is_sweep(there):
        if words or out is not None:
            raise UserError(
                f"{there} is a sweep that is planned already, so nothing can be varied or moved. "
                f"`{command_line('sweep', there / 'sweep.toml', *(words or []))}` plans another one like it."
            )
        planned = SweepFolder.open(there)
    elif {only, set_aside, revive} != {None} or status:
        raise UserError(
            f"--only, --status, --set-aside and --revive want the folder of a sweep, and {source!r} is none."
        )
    else:
        planned = _planned(source, words or [], out, elsewhere=on != "local", quiet=quiet or as_json)
    if planned.grows and only is None and not (status or set_aside or revive):
        raise UserError(f"{there} is a search: `{command_line('search', there)}` goes on with it.")
    if only is not None:
        _do(planned, only, threads, quiet=quiet)
    elif status:
        _show(planned, as_json=as_json)
    elif set_aside is not None:
        planned.set_aside(planned.cell(set_aside))
        say(f"Cell {set_aside} is set aside; --revive {set_aside} takes that back.")
    elif revive is not None:
        planned.revive(planned.cell(revive))
        say(f"Cell {revive} is tried again by the next `{command_line('sweep', planned.path)}`.")
    elif on == "slurm":
        from lockstep.sweeps.slurm import Resources, submit

        wanted = Resources(cpus, hours, memory, at_once, gpus, partition, account)
        _tell_sent(planned, submit(planned, wanted, trust=trust, only_write=write_only))
    elif on == "ray":
        from lockstep.sweeps.on_ray import connected

        with connected(address, at_once, threads, trust=trust, gpus=gpus / per_gpu, send_back=send_back) as cluster:
            _run(planned, cluster, threads, quiet=quiet, as_json=as_json, estimate_only=estimate)
    else:
        from lockstep.sweeps.command import local_engine

        here = local_engine(at_once, threads, trust=trust, gpus=gpus, per_gpu=per_gpu)
        _run(planned, here, threads, quiet=quiet, as_json=as_json, estimate_only=estimate)


def check_numbers(at_once: int | None, threads: int) -> None:
    """Raise UserError for more cores than there are, and for less than one cell at a time."""
    from lockstep.compute.machine import cores

    if not 1 <= threads <= cores():
        raise UserError(f"--threads {threads} must be from 1 to {cores()}, the processors that this process may use.")
    if at_once is not None and at_once < 1:
        raise UserError(f"--at-once {at_once} must be at least 1.")


def _planned(source: str, words: list[str], out: Path | None, *, elsewhere: bool, quiet: bool) -> "SweepFolder":
    """The sweep that is asked for, new; or the equal one in `out`."""
    from lockstep.sweeps.planning import plan_sweep
    from lockstep.sweeps.request import read_request

    request = read_request(source, words)

    def tell(sentence: str) -> None:
        if not quiet:
            say(sentence, error=True)

    return plan_sweep(request, out, tell, elsewhere=elsewhere)


def _tell_sent(sweep: "SweepFolder", sent: "list[Submission]") -> None:
    """What was handed to the cluster, and how to see what comes of it."""
    for one in sent:
        how = f"job {one.job}" if one.job else "not sent: sbatch sends it"
        say(f"{one.script}: {counted(len(one.cells), 'cell')}, {how}")
    if not sent:
        say("Nothing is left that is not in the queue already.")
    say(f"\n  {command_line('sweep', sweep.path, '--status')}     how its cells stand")
    say(f"  {command_line('sweep', sweep.path, '--on', 'slurm')}     sends what is left, whatever happened")


def _do(sweep: "SweepFolder", number: int, threads: int, *, quiet: bool) -> None:
    """Leaves with the exit code of a training."""
    cell = sweep.cell(number)
    from lockstep.sweeps.unit import do_cell

    stopped_by = do_cell(sweep, cell, threads, quiet=quiet)
    if stopped_by is not None:
        raise typer.Exit(128 + stopped_by)  # as shells count
    if not quiet:
        from lockstep.training.command import ended_text

        say(f"Cell {number}: {ended_text(cell.run)}")


def _run(
    sweep: "SweepFolder", engine: "Engine", threads: int, *, quiet: bool, as_json: bool, estimate_only: bool
) -> None:
    """Do what is left here. Leaves with 0, with 1 where a cell is not finished, or as the signal wants it."""
    from rich.console import Console

    from lockstep.sweeps.command import work_here

    console = Console(quiet=quiet or as_json)
    jobs, interrupted_by = work_here(sweep, engine, threads, console, estimate_only=estimate_only)
    if as_json:
        print(json.dumps(_rows(sweep, jobs)))
    elif not quiet and not estimate_only:
        _finish(sweep, jobs, interrupted=interrupted_by is not None)
    if interrupted_by is not None:
        raise typer.Exit(128 + interrupted_by)
    if not estimate_only and not all(job.done for job in jobs):
        raise typer.Exit(1)


def _finish(sweep: "SweepFolder", jobs: "list[Job]", *, interrupted: bool) -> None:
    """The last words of a sweep, or of a part of it."""
    done = sum(job.done for job in jobs)
    again = command_line("sweep", sweep.path)
    if interrupted:
        say(f"\nInterrupted and saved, with {done} of {counted(len(jobs), 'cell')} finished.")
        say(f"\n  {again}     continues exactly here")
        return
    say(f"\n{done} of {counted(len(jobs), 'cell is', 'cells are')} finished.")
    for job in jobs:
        if job.history.standing == "set aside":
            revived = command_line("sweep", sweep.path, "--revive", job.cell.number)
            say(f"  cell {job.cell.number} is set aside: {job.history.reason}\n    {revived}")
        elif not job.done:
            say(f"  cell {job.cell.number} is {job.history.standing}: {job.failed or 'another process works at it'}")
    if done:
        say(f"\n  {command_line('report', sweep.path)}     what came out, on a page")


def _show(sweep: "SweepFolder", *, as_json: bool) -> None:
    """How every cell stands now."""
    from lockstep.sweeps.local import jobs_of

    jobs = jobs_of(sweep)
    if as_json:
        print(json.dumps(_rows(sweep, jobs)))
        return
    from rich.console import Console

    from lockstep.sweeps.display import counts, table, telling_settings

    console = Console()
    console.print(counts(jobs))
    for part in table(jobs, telling_settings([job.cell for job in jobs]), len(jobs)):
        console.print(part)


def _rows(sweep: "SweepFolder", jobs: "list[Job]") -> dict[str, Any]:
    """How it stands, for scripts."""
    from lockstep.runs.headline import headline, judged_return

    rows = []
    for job in jobs:
        found, history = headline(job.record), job.history
        rows.append(
            {
                "cell": job.cell.number,
                "run": str(job.cell.run.path),
                "standing": history.standing,
                "env_steps": job.record.env_steps,
                "judged_return": judged_return(found),
                "attempts": history.attempts,
                "reason": job.failed or history.reason or None,
            }
        )
    return {"sweep": str(sweep.path), "cells": rows}
