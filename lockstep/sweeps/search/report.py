"""What a search found, for the report of its folder: the best choices, what mattered, and where good ones lie."""

from collections.abc import Sequence

from lockstep.analysis.groups import leaf
from lockstep.analysis.plots import Coordinate, bar_figure, parallel_figure
from lockstep.analysis.report.document import Block, CodeBlock, Section, Table, Text, literal, plain
from lockstep.analysis.report.outcome import figure_block
from lockstep.errors import UserError
from lockstep.formats import as_override, counted, percent
from lockstep.runs.reader import RunReader
from lockstep.shell import command_line
from lockstep.sweeps.folder import SweepFolder
from lockstep.sweeps.local import jobs_of
from lockstep.sweeps.search.display import ranked
from lockstep.sweeps.search.request import SearchRequest
from lockstep.sweeps.search.samplers import optuna_or_sentence, study_of
from lockstep.sweeps.search.space import Dimension, Range, Value
from lockstep.sweeps.search.trials import SearchTrial, best_trial, trials_of, tried

SHOWN_IN_DETAIL = 5
"""Trials whose runs have curves and everything else that a report has of a run."""
LEAST_TRIALS = 8
"""Trials that are worth something, below which nothing is said of what mattered."""
TOP = 0.25
"""Share of the trials that count as good where it is asked what mattered."""


def best_records(sweep: SweepFolder) -> list[RunReader]:
    """The runs of the best trials so far that have written a number."""
    trials = ranked(trials_of(jobs_of(sweep), SearchRequest.of(sweep).goal))
    written = [
        [job.record for job in trial.jobs if not job.record.is_empty and job.record.config_or_none() is not None]
        for trial in trials
    ]
    return [record for records in list(filter(None, written))[:SHOWN_IN_DETAIL] for record in records]


def search_section(sweep: SweepFolder) -> Section:
    """The section that the report of a search begins its own part with."""
    request = SearchRequest.of(sweep)
    trials = trials_of(jobs_of(sweep), request.goal)
    return Section("search", "Search", [*_best(request, trials), *_pictures(request, trials), _table(request, trials)])


def importances(request: SearchRequest, trials: Sequence[SearchTrial]) -> dict[str, float]:
    """How much each setting tells good trials from the others, shares of 1, the largest first.

    PED-ANOVA of all that have a value, pruned ones as well (Watanabe, Bansal and Hutter 2023). Empty where they are too
    few, or Optuna is not installed.
    """
    known = [trial for trial in trials if trial.value is not None]
    if len(known) < LEAST_TRIALS or len({trial.value for trial in known}) < 2:
        return {}
    try:
        optuna = optuna_or_sentence()
    except UserError:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=TOP)
    found = optuna.importance.get_param_importances(study_of(request.space, tried(known)), evaluator=evaluator)
    return {key: float(share) for key, share in found.items() if share == share}


def _best(request: SearchRequest, trials: Sequence[SearchTrial]) -> list[Block]:
    best, complete = best_trial(trials), sum(trial.standing == "complete" for trial in trials)
    if best is None:
        return [Text(f"No trial is complete yet; {len(trials)} of {counted(request.trials, 'is', 'are')} begun.")]
    limit = f", {request.within} of training a run" if request.within else ""
    seeds = "one seed" if request.seeds == 1 else f"{request.seeds} seeds"
    return [
        Text(
            f"{len(trials)} of {counted(request.trials, 'trial was', 'trials were')} chosen by {request.sampler}, "
            f"{counted(complete, 'is', 'are')} complete; "
            f"{seeds} each{limit}. The best is trial {best.number}: {request.goal.title} "
            f"**{request.goal.text(best.value)}**. It is the best of many, so partly luck: train it on new seeds "
            "before you believe its number."
        ),
        CodeBlock(command_line("train", request.base, *request.space.words(best.chosen), f"seed={_new_seed(best)}")),
    ]


def _new_seed(trial: SearchTrial) -> int:
    return max(job.cell.config.seed for job in trial.jobs) + 1


def _pictures(request: SearchRequest, trials: Sequence[SearchTrial]) -> list[Block]:
    blocks: list[Block] = []
    shares = importances(request, trials)
    if shares:
        figure = bar_figure(
            [(leaf(key), share) for key, share in shares.items()],
            title="What mattered",
            subtitle=f"how much a setting tells the best {percent(TOP)} of the trials from the others",
        )
        alt = ", ".join(f"{leaf(key)} {percent(share)}" for key, share in shares.items())
        blocks.append(figure_block("importance", figure, "Importance of each setting (PED-ANOVA).", alt))
    told = [trial for trial in trials if trial.value is not None]
    if len(told) > 1:
        lines = [[_height(dimension, trial) for dimension in request.space.dimensions] for trial in told]
        values = [trial.value or 0.0 for trial in told]
        figure = parallel_figure(
            [_coordinate(dimension) for dimension in request.space.dimensions],
            lines,
            values,
            title="Where good trials lie",
            subtitle=f"a line a trial, the better the darker; at the right: {request.goal.title}",
            text=request.goal.text,
        )
        caption = "Parallel coordinates: what was chosen, setting by setting, and what came of it."
        blocks.append(figure_block("parallel", figure, caption, caption))
    return blocks


def _coordinate(dimension: Dimension) -> Coordinate:
    values = dimension.values
    if isinstance(values, Range):
        ticks = [
            (values.share(float(at)), as_override(float(f"{at:.3g}")))
            for at in dict.fromkeys(map(values.at, (0, 0.5, 1)))
        ]
    else:
        ticks = [(_place(values, value), value) for value in values]
    return Coordinate(leaf(dimension.key), ticks)


def _height(dimension: Dimension, trial: SearchTrial) -> float | None:
    value = trial.chosen.get(dimension.key)
    if value is None:
        return None
    if isinstance(dimension.values, Range):
        return dimension.values.share(float(value))
    return _place(dimension.values, value)


def _place(values: Sequence[str], value: Value) -> float:
    return values.index(str(value)) / max(len(values) - 1, 1)


def _table(request: SearchRequest, trials: Sequence[SearchTrial]) -> Block:
    keys = [dimension.key for dimension in request.space.dimensions]
    names = [leaf(key) for key in keys]
    rows = [
        (
            f"{trial.number}",
            *(literal(trial.chosen[key]) if key in trial.chosen else "–" for key in keys),
            request.goal.text(trial.value),
            ", ".join(request.goal.text(value) for value in trial.values),
            plain(_standing(trial)),
        )
        for trial in ranked(trials)
    ]
    numeric = frozenset({"trial", request.goal.title})
    return Table(("trial", *names, request.goal.title, "its seeds", "how it stands"), rows, numeric)


def _standing(trial: SearchTrial) -> str:
    reasons = [job.history.reason for job in trial.jobs if job.history.standing == "set aside"]
    return reasons[0] if reasons else trial.standing
