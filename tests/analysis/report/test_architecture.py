"""The sizes in the diagram are those of the networks that are trained."""

import pytest

from lockstep.algorithms.registry import build
from lockstep.analysis.report.architecture import architecture
from lockstep.analysis.report.diagram import diagram
from lockstep.config.load import load_config
from lockstep.envs.registry import make_env, make_vec


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
    sizes = architecture(config, spec)
    assert sizes.agent_parameters == sum(p.numel() for p in learner.online["agent"].parameters())
    assert sizes.mixer_parameters == sum(p.numel() for p in learner.online["mixer"].parameters())


def test_the_diagram_shows_the_sizes() -> None:
    config = load_config("report-final")
    picture = diagram(architecture(config, make_vec("rware-tiny-2ag-v2", 1).spec))
    for text in ("71 numbers", "73 → 64", "GRU", "64 → 5", "142 numbers", "142 → 64 → 64", "2 → 32, ELU", "30,021"):
        assert text in picture


def test_each_algorithm_has_its_own_team() -> None:
    spec = make_vec("rware-tiny-2ag-v2", 1).spec
    vdn = diagram(architecture(load_config("solve", ["mixer=vdn"]), spec))
    iql = diagram(architecture(load_config("solve", ["mixer=None"]), spec))
    assert "sum of all values" in vdn
    assert "state s" not in vdn
    assert "No mixer" in iql
