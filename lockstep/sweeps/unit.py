"""The unit of a sweep: do what is left of one cell. Doing it again changes nothing, so every engine does just this."""

import os
from collections.abc import Callable

from lockstep.config.load import dump_toml, load_config
from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory
from lockstep.shell import command_line
from lockstep.sweeps.folder import Cell, SweepFolder, with_threads
from lockstep.sweeps.neighbors import take_over, trained_beside
from lockstep.training import command


def do_cell(sweep: SweepFolder, cell: Cell, threads: int, *, quiet: bool) -> int | None:
    """Train the cell, go on with it, or confirm it, whatever is left of it. Returns the signal that stopped it.

    threads: processes that share an update, where the configuration leaves that open. Raises as `attempted` does.
    """
    return attempted(sweep, cell, _engine(), lambda: _work(cell, threads, quiet=quiet))


def attempted(sweep: SweepFolder, cell: Cell, by: str, work: Callable[[], int | None]) -> int | None:
    """An attempt at a cell, if something is left to do: `work`, unless a neighbor has the run already.

    by: which engine. Returns the signal that stopped the work. Raises UserError for a cell that was set aside, at which
    another process works, or that fails.
    """
    history = sweep.history(cell)
    if history.standing == "finished":
        return None
    if history.standing == "set aside":
        raise UserError(
            f"Cell {cell.number} of {sweep.path} was set aside: {history.reason.rstrip('.')}. "
            f"`{command_line('sweep', sweep.path, '--revive', cell.number)}` lets it be tried again."
        )
    sweep.check_room()
    with sweep.attempt(cell, by):
        there = trained_beside(sweep, cell)
        if there is not None:
            take_over(there, cell.run)
            print(f"Cell {cell.number} was trained as {there.path} and is taken over.")
        return work()


def _engine() -> str:
    """Who started this process, for people who read the attempts."""
    job = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"slurm {job}_{os.environ.get('SLURM_ARRAY_TASK_ID')}" if job else "local"


def _work(cell: Cell, threads: int, *, quiet: bool) -> int | None:
    run = cell.run
    if not run.has_ended:
        if cell.checkpoint:
            command.same_run(run.path, _as_begun(cell, run))
            outcome = command.resume(run, quiet=quiet)
        else:
            if run.path.exists():
                run.remove()  # it was stopped before its first checkpoint: nothing to go on from
            config = with_threads(cell.config, threads)
            command.check(config)
            made = RunDirectory.create(run.path, cell.name, config.seed, dump_toml(config))
            outcome = command.train(config, made, quiet=quiet)
        if outcome.result.stopped_because == "interrupted":
            return outcome.result.stopped_by_signal
    if not cell.is_done:  # it was stopped between its end and its confirmation
        command.confirm(run)
    return None


def _as_begun(cell: Cell, run: RunDirectory) -> RunConfig:
    """The cell's configuration with what was left open as it was when its run began."""
    return with_threads(cell.config, load_config(str(run.config)).training.num_threads)
