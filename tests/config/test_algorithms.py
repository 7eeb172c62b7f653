"""Which settings there are depends on the algorithm; files that are older than that say the same as ever."""

import tomllib
from pathlib import Path

import pytest

from lockstep.algorithms.registry import ALGORITHMS
from lockstep.config.knobs import flat, knobs
from lockstep.config.load import dump_toml, explain_toml, load_config, with_changes
from lockstep.config.schema import RunConfig
from lockstep.config.schema.algorithms import SECTIONS
from lockstep.errors import UserError

OLD = """
[network]
hidden_dim = 24
mixing_embed_dim = 16
hypernet_layers = 2
hypernet_embed_dim = 48

[algorithm]
name = "{name}"
gamma = 0.9
"""
MIXERS = {"algorithm.mixing_embed_dim", "algorithm.hypernet_layers", "algorithm.hypernet_embed_dim"}


def test_the_table_and_the_configuration_know_the_same_algorithms() -> None:
    assert {name: entry.section for name, entry in ALGORITHMS.items()} == SECTIONS


@pytest.mark.parametrize("name", SECTIONS)
def test_an_old_file_holds_the_mixers_sizes_whether_there_is_a_mixer_or_not(name: str, tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text(OLD.format(name=name))
    config = load_config(str(tmp_path / "old.toml"))
    assert (config.algorithm.name, config.algorithm.gamma, config.network.hidden_dim) == (name, 0.9, 24)
    has_it = "hypernet_embed_dim" in SECTIONS[name].model_fields
    assert flat(config).get("algorithm.hypernet_embed_dim") == (48 if has_it else None)
    (tmp_path / "new.toml").write_text(dump_toml(config))
    assert load_config(str(tmp_path / "new.toml")) == config == RunConfig.model_validate(config.model_dump())


@pytest.mark.parametrize("name", SECTIONS)
def test_only_what_the_algorithm_has_is_explained(name: str) -> None:
    config = load_config("smoke", [f"algorithm={name}"])
    assert set(flat(config)) - {path for path in flat(config) if path.startswith("env.arguments.")} == set(
        knobs(config)
    )
    owned = {f"algorithm.{setting}" for setting in SECTIONS[name].model_fields}
    assert MIXERS & set(knobs(config)) == MIXERS & owned
    assert ("mixing_embed_dim" in explain_toml(config)) == ("algorithm.mixing_embed_dim" in owned)
    assert tomllib.loads(explain_toml(config)) == tomllib.loads(dump_toml(config))


def test_a_name_may_stand_for_the_section(tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text('algorithm = "vdn"\n')
    assert load_config(str(tmp_path / "short.toml")).algorithm.name == "vdn"
    changed = load_config(str(tmp_path / "short.toml"), ["gamma=0.5"]).algorithm
    assert (changed.name, changed.gamma) == ("vdn", 0.5)


def test_what_only_the_former_algorithm_has_goes_with_it() -> None:
    smoke = load_config("smoke")
    there = RunConfig.model_validate(with_changes(smoke.model_dump(), {"algorithm.name": "vdn"}))
    assert there.algorithm.gamma == smoke.algorithm.gamma
    assert not MIXERS & set(flat(there))
    back = RunConfig.model_validate(with_changes(there.model_dump(), {"algorithm.name": "qmix"}))
    assert flat(back)["algorithm.mixing_embed_dim"] == 32  # its default, not smoke's


def test_a_file_that_names_what_its_algorithm_does_not_have_is_told_who_does(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[algorithm]\nname = "vdn"\nmixing_embed_dim = 16\n')
    with pytest.raises(UserError, match="mixing_embed_dim is a setting of qmix, .*, and algorithm.name='vdn' has no"):
        load_config(str(tmp_path / "mine.toml"))
    assert load_config(str(tmp_path / "mine.toml"), ["mixer=qmix"]).algorithm.name == "qmix"
