"""Remedies, as they suit the algorithm: its own hints first, and nothing that it has no use for."""

from dataclasses import replace

from lockstep.algorithms.registry import algorithm_of
from lockstep.config.knobs import flat
from lockstep.config.load import validated, with_changes
from lockstep.config.schema import RunConfig
from lockstep.config.words import parse_words
from lockstep.doctor.finding import Finding, Remedy
from lockstep.errors import UserError

MEMORY = ("replay.", "training.updates_per_collection", "training.learn_while_playing", "training.learner_share")
"""Settings, or the beginnings of their names, of what remembers many collections."""
WARMUP, EXPLORATION = "collection.warmup_env_steps", "exploration."
"""Those of actions that nobody preferred."""


def is_foreign(name: str, config: RunConfig) -> bool:
    """Whether a setting has nothing to do with how the configured algorithm learns."""
    algorithm = algorithm_of(config)
    forgets = algorithm.feed == "fresh" and name.startswith((*MEMORY, WARMUP))
    return forgets or (algorithm.choice == "sampled" and name.startswith(EXPLORATION))


def hinted(finding: Finding, config: RunConfig) -> Finding:
    """The finding with what the algorithm's entry hints at, before its own remedies."""
    hints = (Remedy(hint.overrides, hint.why) for hint in algorithm_of(config).hints.get(finding.name, ()))
    return replace(finding, remedies=(*hints, *finding.remedies))


def suited(finding: Finding, config: RunConfig) -> Finding:
    """The same with hints, and without remedies that the algorithm does not know or would not look at."""
    remedies = hinted(finding, config).remedies
    return replace(finding, remedies=tuple(remedy for remedy in remedies if _fits(remedy, config)))


def _fits(remedy: Remedy, config: RunConfig) -> bool:
    """Whether it can be applied at all, and changes nothing but what the algorithm looks at."""
    try:
        changes = parse_words(remedy.overrides)
        after = flat(validated(with_changes(config.model_dump(), changes)))
    except UserError:
        return False
    before = flat(config)
    changed = [name for name in after if after[name] != before.get(name)]
    return not changes or (bool(changed) and not any(is_foreign(name, config) for name in changed))
