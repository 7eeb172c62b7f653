"""Which cells of a search come next, and which are not worth finishing. What it decides is in the folder at once."""

from collections.abc import Sequence
from itertools import count

from lockstep.config.schema import RunConfig
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory
from lockstep.sweeps.estimate import memory_of
from lockstep.sweeps.folder import Cell, SweepFolder, cell_folder
from lockstep.sweeps.local import Job, new_job
from lockstep.sweeps.search.goal import over_seeds
from lockstep.sweeps.search.request import SearchRequest
from lockstep.sweeps.search.samplers import choose
from lockstep.sweeps.search.space import Chosen
from lockstep.sweeps.search.trials import PRUNED, SearchTrial, best_trial, trials_of, tried
from lockstep.training import command

MOST_ATTEMPTS = 100
"""Choices in a row that may be of no use before there counts as nothing left to choose."""
MEANT = 5
"""Of them, those that the sampler makes; the others are drawn at random."""
LEAST_PAIRS = 5
"""Seeds that must have ended before their ranks can say anything."""
SURE = 0.05


class SearchPlanner:
    """Plans a search's trials one by one, as soon as there is a place for one."""

    def __init__(self, sweep: SweepFolder, request: SearchRequest, jobs: Sequence[Job], seconds: float) -> None:
        """seconds: what a cell takes, estimated."""
        self._sweep, self._request, self.seconds = sweep, request, seconds
        trials = trials_of(jobs, request.goal)
        self._judged = {trial.number: len(trial.known) for trial in trials}
        """How many of a trial's seeds had ended when it was last judged. What was revived since then is left alone."""
        self.unplanned = max(request.trials - len(trials), 0)
        """Trials that are still to come."""

    def steer(self, jobs: Sequence[Job], idle: int) -> list[Job]:
        """Set aside what is not worth finishing; plan the next trial where somebody has nothing to do."""
        trials = trials_of(jobs, self._request.goal)
        if self._request.prune:
            idle += self._prune(trials)
        if trials and len(trials[-1].jobs) < self._request.seeds:  # whoever planned it was killed meanwhile
            last = trials[-1]
            return self._plan(last.number, last.chosen, self._request.configurations(last.chosen)[len(last.jobs) :])
        return self._next(trials) if idle > 0 and self.unplanned else []

    def _next(self, trials: Sequence[SearchTrial]) -> list[Job]:
        """The next trial's cells, planned; none where nothing is left to choose."""
        request, number, said = self._request, len(trials) + 1, ""
        planned = {job.cell.run.path.name for trial in trials for job in trial.jobs}
        grid = request.sampler == "grid"
        for attempt in count() if grid else range(MOST_ATTEMPTS):
            sampler = request.sampler if grid or attempt < MEANT else "random"
            chosen = choose(sampler, request.space, tried(trials), number, request.sampler_seed, attempt)
            if chosen is None:
                break
            try:
                configs = request.configurations(chosen)
                command.check(configs[0])
            except UserError as error:
                said = str(error)
                continue
            if cell_folder(configs[0]) not in planned:
                self.unplanned = max(request.trials - number, 0)
                return self._plan(number, chosen, configs)
        if said and not trials:
            raise UserError(f"No choice of this search can be trained. The last one: {said}")
        self.unplanned = 0
        return []

    def _plan(self, number: int, chosen: Chosen, configs: Sequence[RunConfig]) -> list[Job]:
        sweep, first = self._sweep, len(self._sweep.cells) + 1
        cells = [
            Cell(index, self._request.name, config, RunDirectory(sweep.runs / cell_folder(config)), number, chosen)
            for index, config in enumerate(configs, first)
        ]
        sweep.add(cells)
        size = memory_of(configs[0])
        jobs = [new_job(sweep, cell) for cell in cells]
        for job in jobs:
            job.seconds, job.bytes = self.seconds, size
        return jobs

    def _prune(self, trials: Sequence[SearchTrial]) -> int:
        """Set aside what is not worth finishing. Returns how many cells are waited for no more."""
        freed = 0
        best = best_trial(trials)
        highest = max((value for trial in trials for value in trial.known), default=None)
        for trial in trials:
            before = self._judged.get(trial.number, 0)
            self._judged[trial.number] = len(trial.known)
            if best is None or highest is None or trial.standing != "open" or len(trial.known) <= before:
                continue
            why = hopeless(trial, best, highest)
            for job in trial.jobs if why else ():
                if job.is_open:
                    self._sweep.set_aside(job.cell, f"{PRUNED}{why}")
                    if job.worker is not None:
                        job.worker.interrupt()
                    else:
                        job.history = self._sweep.history(job.cell)
                        freed += 1
        return freed


def hopeless(trial: SearchTrial, best: SearchTrial, highest: float) -> str:
    """Why a trial cannot become the best one, in words; empty where it may.

    highest: what the best run of all is worth. Two things are asked: whether it would be behind even if every seed
    that is missing were worth as much as that; and, from five seeds on, whether they are behind the best trial's own,
    seed by seed (Wilcoxon 1945, one-sided, p < 0.05). Learning curves are not asked: some stand still for long, and
    then rise.
    """
    assert best.value is not None, "it is complete"
    missing = len(trial.jobs) - len(trial.known)
    most = over_seeds([*trial.known, *[highest] * missing])
    if most < best.value:
        return f"even with {missing} more seeds as good as the best run of all it would be behind trial {best.number}"
    both = zip(trial.values, best.values, strict=False)
    pairs = [(own, its) for own, its in both if own is not None and its is not None]
    if len(pairs) >= LEAST_PAIRS and any(own != its for own, its in pairs):
        from scipy.stats import wilcoxon

        own, its = zip(*pairs, strict=True)
        if wilcoxon(own, its, alternative="less").pvalue < SURE:
            return f"seed by seed it is behind trial {best.number}"
    return ""
