"""Who chooses a trial's settings: from the trials before, as the folder tells them, and from two numbers.

Nothing is kept between two choices: the same folder, seed and number of the trial give the same choice, so a search
whose process was killed goes on as if it had not been. Optuna is asked by a study that is made anew each time.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from lockstep.errors import UserError
from lockstep.sweeps.search.space import Chosen, Dimension, Range, SearchSpace, Value

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.study import Study

MISSING = "A search needs Optuna: `pip install 'lockstep-marl[search]'`."
START_TRIALS = 10
"""Trials that are drawn at random before a model of them chooses."""


@dataclass(frozen=True)
class Tried:
    """A trial before, as a sampler sees it."""

    chosen: Chosen
    value: float | None
    """What it is worth; None: nobody knows yet."""


def choose(
    sampler: str, space: SearchSpace, before: Sequence[Tried], number: int, seed: int, attempt: int = 0
) -> Chosen | None:
    """The settings of trial `number`, counted from 1; None where every choice has been made.

    attempt: another number gives another choice, where the first one cannot be used. Raises UserError where what the
    sampler needs is not installed, or the space is none for it.
    """
    if sampler == "grid":
        return next(islice(space.combinations(), number - 1 + attempt, None), None)
    own = int(np.random.SeedSequence([seed, number, attempt]).generate_state(1)[0])
    if sampler == "cma":
        return _evolved(space, before, number, own)
    return _asked(space, before, lambda optuna: _sampler(optuna, sampler, own))


SAMPLERS = ("tpe", "gp", "cma", "random", "grid")


def check_sampler(sampler: str, space: SearchSpace) -> None:
    """Raise UserError for a sampler that is none, is not installed, or can make nothing of this space."""
    if sampler not in SAMPLERS:
        raise UserError(f"--sampler {sampler} is unknown; it must be {', '.join(SAMPLERS[:-1])} or {SAMPLERS[-1]}.")
    if sampler == "grid":
        space.combinations()
        return
    optuna_or_sentence()
    if sampler == "cma":
        if len(_evolving(space)) < 2:
            raise UserError(
                "--sampler cma moves a cloud of points, which needs two ranges at least that hang on nothing; tpe, gp "
                "and random need none."
            )
        _cmaes_or_sentence()


def optuna_or_sentence() -> Any:
    """Optuna, quiet. Raises UserError where it is not installed."""
    try:
        import optuna
    except ImportError:
        raise UserError(MISSING) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def study_of(space: SearchSpace, before: Sequence[Tried], sampler: "BaseSampler | None" = None) -> "Study":
    """An Optuna study of the trials before. Those of which nobody knows anything yet are running in it."""
    optuna = optuna_or_sentence()
    study: Study = optuna.create_study(direction="maximize", sampler=sampler or optuna.samplers.RandomSampler(0))
    known = {dimension.key: _distribution(optuna, dimension) for dimension in space.dimensions}
    for one in before:
        study.add_trial(
            optuna.trial.create_trial(
                params=dict(one.chosen),
                distributions={key: known[key] for key in one.chosen},
                value=one.value,
                state=optuna.trial.TrialState.RUNNING if one.value is None else optuna.trial.TrialState.COMPLETE,
            )
        )
    return study


def _asked(space: SearchSpace, before: Sequence[Tried], make: Callable[[Any], "BaseSampler"]) -> Chosen:
    optuna = optuna_or_sentence()
    trial = study_of(space, before, make(optuna)).ask()
    chosen: dict[str, Value] = {}
    for dimension in space.active(chosen):
        key, values = dimension.key, dimension.values
        if not isinstance(values, Range):
            chosen[key] = trial.suggest_categorical(key, values)
        elif values.whole:
            chosen[key] = trial.suggest_int(key, int(values.low), int(values.high), log=values.log, step=values.stride)
        else:
            chosen[key] = values.nearest(
                trial.suggest_float(key, values.low, values.high, log=values.log, step=values.step)
            )
    return chosen


def _sampler(optuna: Any, name: str, seed: int) -> "BaseSampler":
    samplers = optuna.samplers
    made: BaseSampler
    if name == "tpe":
        made = samplers.TPESampler(seed=seed, n_startup_trials=START_TRIALS, multivariate=True, group=True)
    elif name == "gp":
        made = samplers.GPSampler(seed=seed, n_startup_trials=START_TRIALS)
    else:
        made = samplers.RandomSampler(seed=seed)
    return made


def _distribution(optuna: Any, dimension: Dimension) -> "BaseDistribution":
    values, kinds = dimension.values, optuna.distributions
    made: BaseDistribution
    if not isinstance(values, Range):
        made = kinds.CategoricalDistribution(values)
    elif values.whole:
        made = kinds.IntDistribution(int(values.low), int(values.high), log=values.log, step=values.stride)
    else:
        made = kinds.FloatDistribution(values.low, values.high, log=values.log, step=values.step)
    return made


def _evolving(space: SearchSpace) -> list[tuple[str, Range]]:
    """The ranges that are always chosen, which CMA-ES moves; whatever else there is, it draws."""
    return [(one.key, one.values) for one in space.dimensions if isinstance(one.values, Range) and one.when is None]


def _cmaes_or_sentence() -> Any:
    try:
        import cmaes
    except ImportError:
        raise UserError("--sampler cma needs cmaes: `pip install 'lockstep-marl[search]'`.") from None
    return cmaes


def _evolved(space: SearchSpace, before: Sequence[Tried], number: int, seed: int) -> Chosen:
    """A draw of CMA-ES, told all whole generations that are behind it (Hansen and Ostermeier 2001)."""
    ranges = _evolving(space)
    cmaes = _cmaes_or_sentence()
    strategy = cmaes.CMA(
        mean=np.full(len(ranges), 0.5), sigma=0.25, bounds=np.array([[0.0, 1.0]] * len(ranges)), seed=seed
    )
    size = strategy.population_size
    for start in range(0, (number - 1) // size * size, size):
        generation = before[start : start + size]
        if len(generation) < size or any(one.value is None for one in generation):
            break  # somebody is still at work: this one is drawn from what is known
        points = [np.array([values.share(float(one.chosen[key])) for key, values in ranges]) for one in generation]
        strategy.tell([(point, -float(one.value or 0.0)) for point, one in zip(points, generation, strict=True)])
    drawn = strategy.ask()
    rest = _asked(space, [], lambda optuna: _sampler(optuna, "random", seed))
    evolved = {key: values.at(float(share)) for (key, values), share in zip(ranges, drawn, strict=True)}
    return {key: evolved.get(key, value) for key, value in rest.items()}
