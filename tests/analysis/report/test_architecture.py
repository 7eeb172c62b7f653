"""The sizes in the diagram are those of the networks that are trained."""

import pytest

from lockstep.algorithms.diagram import diagram
from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.algorithms.registry import algorithm_of, architecture, build
from lockstep.config.load import load_config
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import make_env, make_vec
from lockstep.spec import EnvSpec


def drawn(config: RunConfig, spec: EnvSpec) -> str:
    return diagram(architecture(spec, config), algorithm_of(config).draw_team)


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        ("report-final", []),
        ("solve", []),
        ("solve", ["mixer=vdn"]),
        ("solve", ["mixer=None", "obs_agent_id=False"]),
        ("report-default", ["hypernet_layers=1", "obs_last_action=True", "env.key=rware-tiny-4ag-v2"]),
    ],
)
def test_parameters_are_those_of_the_learner(preset: str, words: list[str]) -> None:
    config = load_config(preset, words)
    spec = make_env(config.env, 1, seed=0).spec
    learner = build(spec, config)
    sizes = architecture(spec, config)
    assert isinstance(learner, GradientLearner)
    for name, network in learner.online.items():
        assert sizes.parameters(name) == sum(p.numel() for p in network.parameters())


def test_the_diagram_shows_the_sizes() -> None:
    config = load_config("report-final")
    picture = drawn(config, make_vec("rware-tiny-2ag-v2", 1).spec)
    for text in ("71 numbers", "73 → 64", "GRU", "64 → 5", "142 numbers", "142 → 64 → 64", "2 → 32, ELU", "30,021"):
        assert text in picture


def test_each_algorithm_has_its_own_team() -> None:
    spec = make_vec("rware-tiny-2ag-v2", 1).spec
    vdn, iql = (drawn(load_config("solve", [f"mixer={name}"]), spec) for name in ("vdn", "None"))
    assert "sum of all values" in vdn
    assert "state s" not in vdn
    assert "No mixer" in iql
