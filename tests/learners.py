"""Learners whose inside a test looks into."""

from lockstep.algorithms import registry
from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.config.schema import RunConfig
from lockstep.spec import EnvSpec


def build(spec: EnvSpec, config: RunConfig) -> GradientLearner:
    """`lockstep.algorithms.registry.build`, which promises any `Learner`."""
    learner = registry.build(spec, config)
    assert isinstance(learner, GradientLearner)
    return learner
