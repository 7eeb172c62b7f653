"""Words, files and presets become one configuration, or one sentence."""

import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstep.config.epymarl import EPYMARL
from lockstep.config.knobs import knobs
from lockstep.config.load import (
    dump_toml,
    explain_toml,
    load_config,
    validated,
)
from lockstep.config.presets import PRESETS, summary
from lockstep.config.words import parse_value, parse_words
from lockstep.errors import UserError


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_survives_being_saved_and_loaded(preset: str, tmp_path: Path) -> None:
    config = load_config(preset)
    (tmp_path / "config.toml").write_text(dump_toml(config))
    assert load_config(str(tmp_path / "config.toml")) == config
    assert load_config(str(tmp_path)) == config
    assert tomllib.loads(explain_toml(config)) == tomllib.loads(dump_toml(config))
    assert summary(preset).endswith(".")


def test_every_knob_is_documented() -> None:
    assert [path for path, knob in knobs().items() if not knob.description] == []


@pytest.mark.parametrize(
    ("word", "path", "value"),
    [
        ("t_max=5_000_000", "training.max_env_steps", 5_000_000),
        ("t_max=5e6", "training.max_env_steps", 5_000_000),
        ("batch_size=128", "replay.batch_size", 128),
        ("buffer_size=200000", "replay.buffer_size", 200_000),
        ("batch_size_run=10", "collection.num_envs", 10),
        ("epsilon_anneal_time=5000000", "exploration.epsilon_anneal_env_steps", 5_000_000),
        ("lr=0.001", "optimizer.lr", 0.001),
        ("mixer=vdn", "algorithm.name", "vdn"),
        ("mixer=None", "algorithm.name", "iql"),
        ("use_rnn=False", "network.recurrent", False),
        ("agent=rnn", "network.recurrent", True),
        ("obs_agent_id=False", "network.agent_id", False),
        ("standardise_rewards=False", "algorithm.standardize_rewards", False),
        ("target_update_interval_or_tau=100", "algorithm.target_sync_updates", 100),
        ("target_update_interval_or_tau=0.01", "algorithm.target_tau", 0.01),
        ("test_nepisode=7", "evaluation.episodes", 7),
        ("use_cuda=True", "training.device", "cuda"),
        ("device=cuda:1", "training.device", "cuda:1"),
        ("env_args.key=rware:rware-tiny-4ag-v2", "env.key", "rware:rware-tiny-4ag-v2"),
        ("env_args.time_limit=500", "env.time_limit", 500),
        ("env_args.sensor_range=2", "env.arguments", {"sensor_range": 2}),
        ("gamma=0.9", "algorithm.gamma", 0.9),
        ("algorithm.gamma=0.9", "algorithm.gamma", 0.9),
        ("--seed=7", "seed", 7),
        ("algorithm=vdn", "algorithm.name", "vdn"),
        ("algorithm=pqn", "algorithm.name", "pqn_vdn"),
        ("mixer=dmaq", "algorithm.name", "qplex"),
        ("mixer=qtran_base", "algorithm.name", "qtran"),
        ("name=iql", "algorithm.name", "iql"),
        ("name=vdn_ns", "algorithm.name", "vdn"),
        ("name=vdn_ns", "network.sharing", "none"),
        ("mac=non_shared_mac", "network.sharing", "none"),
        ("agent=rnn_ns", "network.recurrent", True),
        ("hypernet_embed=48", "algorithm.hypernet_embed_dim", 48),
        ("network.mixing_embed_dim=16", "algorithm.mixing_embed_dim", 16),
    ],
)
def test_a_word_changes_what_it_names(word: str, path: str, value: Any) -> None:
    config: Any = load_config("report-default", ["with", word])
    for part in path.split("."):
        config = getattr(config, part)
    assert config == value


DEFAULTS = """
runner=episode mac=basic_mac env=gymma common_reward=True reward_scalarisation=sum batch_size_run=1 test_nepisode=100
test_interval=50000 test_greedy=True log_interval=50000 runner_log_interval=10000 learner_log_interval=10000
t_max=2050000 use_cuda=False buffer_cpu_only=True use_tensorboard=True use_wandb=False wandb_team=None
wandb_project=None wandb_mode=offline wandb_save_model=False save_model=False save_model_interval=50000
checkpoint_path= evaluate=False render=False load_step=0 save_replay=False local_results_path=results gamma=0.99
batch_size=32 buffer_size=5000 lr=0.0005 optim_alpha=0.99 optim_eps=0.00001 grad_norm_clip=10 add_value_last_step=True
use_rnn=False agent=rnn hidden_dim=64 obs_agent_id=True obs_last_action=False repeat_id=1 label=default_label
hypergroup=None action_selector=epsilon_greedy epsilon_start=1.0 epsilon_finish=0.05 epsilon_anneal_time=50000
evaluation_epsilon=0.0 target_update_interval_or_tau=200 obs_individual_obs=False standardise_returns=False
standardise_rewards=True agent_output_type=q learner=q_learner double_q=True mixer=qmix mixing_embed_dim=32
hypernet_layers=2 hypernet_embed=64 name=qmix env_args.key=rware:rware-tiny-2ag-v2 env_args.time_limit=100
env_args.pretrained_wrapper=None seed=3
"""
"""Every word of EPyMARL's default.yaml, algs/qmix.yaml and envs/gymma.yaml (2024-09)."""


def test_all_of_epymarls_words_at_once_mean_what_they_mean_there() -> None:
    config = load_config("solve", ["with", *DEFAULTS.split()])
    assert config.checkpoint.save_replay  # theirs is about films
    assert config.optimizer.eps == load_config("solve").optimizer.eps  # their Adam never reads it
    assert not config.network.recurrent
    assert config.logging.every_env_steps == 10_000
    assert load_config("solve", ["with", *reversed(DEFAULTS.split())]) == config


def test_a_mixer_says_what_is_learnt_and_a_name_only_names() -> None:
    for words in (["mixer=vdn", "name=qmix"], ["name=qmix", "mixer=vdn"]):
        assert load_config("report-default", words).algorithm.name == "vdn"


QPLEX = """
learner=dmaq_qatten_learner mixer=dmaq mixing_embed_dim=32 hypernet_embed=64 adv_hypernet_layers=2 adv_hypernet_embed=64
td_lambda=0.6 lr=0.001 num_kernel=4 is_minus_one=True weighted_head=True is_adv_attention=True is_stop_gradient=True
name=qplex_env=8_adam_td_lambda
"""
WEIGHTED = """
hysteretic_qmix=True learner=max_q_learner double_q=True mixer=qmix mixing_embed_dim=32 hypernet_layers=2
hypernet_embed=64 central_loss=1 qmix_loss=1 w=0.1 central_mixing_embed_dim=256 central_action_embed=1
central_mac=basic_central_mac central_agent=central_rnn central_rnn_hidden_dim=64 central_mixer=ff td_lambda=0.6
name=ow_qmix_env=8_adam_td_lambda
"""
QTRAN = """
learner=qtran_learner double_q=True mixer=qtran_base use_rnn=False mixing_embed_dim=64 qtran_arch=coma_critic opt_loss=1
nopt_min_loss=0.1 network_size=small name=qtran
"""
"""What is special about algs/qplex.yaml and ow_qmix.yaml of PyMARL2, and of EPyMARL's qtran.yaml."""


@pytest.mark.parametrize(
    ("words", "name", "settings"),
    [
        (QPLEX, "qplex", {"attention_heads": 4, "attention_layers": 2, "stop_gradient": True, "td_lambda": 0.6}),
        (WEIGHTED, "owqmix", {"alpha": 0.1, "central_embed_dim": 256, "mixing_embed_dim": 32}),
        (WEIGHTED.replace("qmix=True", "qmix=False"), "cwqmix", {"alpha": 0.1}),
        (QTRAN, "qtran", {"joint_embed_dim": 64, "opt_weight": 1.0, "nopt_weight": 0.1}),
    ],
)
def test_the_words_of_what_came_after_qmix_mean_what_they_mean_there(
    words: str, name: str, settings: dict[str, Any]
) -> None:
    for said in (words.split(), words.split()[::-1]):
        algorithm = load_config("report-default", ["with", *said]).algorithm
        assert algorithm.name == name
        assert settings.items() <= algorithm.model_dump().items()


def test_a_preset_for_what_forgets_has_no_warm_up_and_keeps_its_values_in_check() -> None:
    config = load_config("solve", ["algorithm=pqn"])
    assert (config.algorithm.name, config.collection.warmup_env_steps) == ("pqn_vdn", 0)
    assert config.network.layer_norm
    assert not config.training.learn_while_playing
    assert load_config("solve", ["algorithm=pqn", "warmup_env_steps=64"]).collection.warmup_env_steps == 64


@pytest.mark.parametrize("name", ["qtran", "qtran_alt"])
def test_a_preset_for_qtran_looks_further_ahead_and_lasts_long_enough(name: str) -> None:
    config, qmix = load_config("smoke", [f"algorithm={name}"]), load_config("smoke")
    said = config.algorithm.model_dump()
    assert (said["name"], said["td_lambda"], said["actor_tau"], said["joint_embed_dim"]) == (name, 0.95, 0.01, 128)
    assert (said["gamma"], config.training.max_env_steps) == (qmix.algorithm.gamma, 600_000)
    assert config.replay == qmix.replay
    assert load_config("solve", [f"algorithm={name}"]).training.max_env_steps == 50_000_000
    words = [f"algorithm={name}", "t_max=1000", "td_lambda=0.5"]
    changed = load_config("smoke", words)
    assert (changed.training.max_env_steps, changed.algorithm.model_dump()["td_lambda"]) == (1_000, 0.5)


def test_the_reports_configurations_are_the_published_ones() -> None:
    default, changed, final = (load_config(f"report-{name}") for name in ("default", "changed", "final"))
    assert [c.replay.batch_size for c in (default, changed, final)] == [32, 128, 256]
    assert [c.replay.buffer_size for c in (default, changed, final)] == [5_000, 5_000, 200_000]
    assert [c.exploration.epsilon_finish for c in (default, changed, final)] == [0.05, 0.05, 0.1]
    assert [c.exploration.epsilon_anneal_env_steps for c in (default, changed, final)] == [50_000, 50_000, 5_000_000]
    assert [c.training.max_env_steps for c in (default, changed, final)] == [2_000_000, 10_000_000, 20_000_000]
    assert [c.optimizer.lr for c in (default, changed, final)] == [0.0005, 0.001, 0.0005]
    for config in (default, changed, final):
        assert (config.algorithm.name, config.algorithm.gamma, config.network.recurrent) == ("qmix", 0.99, True)
        assert (config.env.key, config.env.time_limit) == ("rware-tiny-2ag-v2", 100)
        assert (config.collection.num_envs, config.training.updates_per_collection) == (1, 1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["gama=0.9"], "There is no setting 'gama'. Did you mean"),
        (["replay.bach_size=3"], "Did you mean 'replay.batch_size'"),
        (["gamma"], "'gamma' is no override: write key=value"),
        (["gamma=2"], "algorithm.gamma=2 must be at most 1.0"),
        (["lr=-1"], "optimizer.lr=-1 must be greater than 0.0"),
        (["lr=nan"], "optimizer.lr=nan must be a finite number"),
        (["batch_size=many"], "replay.batch_size='many' must be a whole number"),
        (["batch_size=0"], "replay.batch_size=0 must be at least 1"),
        (["double_q=perhaps"], "algorithm.double_q='perhaps' must be true or false"),
        (["mixer=qatten"], "algorithm.name='qatten' must be 'iql', 'vdn', 'qmix', "),
        (["mixer=vdn", "mixing_embed_dim=8"], "mixing_embed_dim is a setting of qmix, "),
        (["algorithm=iql", "algorithm.hypernet_layers=1"], "hypernet_layers is a setting of qmix"),
        (["algorithm=vdn", "attention_heads=2"], "attention_heads is a setting of qplex, and algorithm.name='vdn' has"),
        (["mixer=qtran_base", "qtran_arch=qtran_paper"], "the joint value sees the state and the actions of all"),
        (["every_env_steps=5"], "could be evaluation.every_env_steps or"),
        (["td_lambda=0.5", "n_step=3"], "rival targets"),
        (["target_sync_updates=0"], "exactly one of them must be above 0"),
        (["segment_steps=5", "obs_last_action=True"], "set one of them to 0 or false"),
        (["common_reward=False"], "the mixers learn from the team's reward"),
        (["standardise_returns=True"], "only rewards can be standardized"),
        (["device=gpu"], "training.device='gpu' must be cpu, cuda, or a GPU by its number, as cuda:1"),
        (["runner=async"], "batch_size_run=N"),
        (["save_replay=True"], "the memory that resuming needs is checkpoint.save_replay"),
        (["mac=conv_mac"], "mac=non_shared_mac for no sharing"),
        (["entropy_coef=0.01"], "entropy_weight is a setting of ippo"),
        (["critic_q_fn=coma"], "belongs to an algorithm that is not here"),
        (["env_args.pretrained_wrapper=x"], "env.others"),
        (["agent=transformer"], "write agent=rnn or agent=ff"),
        (["env.arguments.layout=[null]"], "env.arguments.layout holds None"),
    ],
)
def test_what_does_not_fit_is_one_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=".") as error:
        load_config("report-default", words)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_preset_names_its_neighbor() -> None:
    with pytest.raises(UserError, match="Did you mean 'solve'"):
        load_config("sovle")


def test_a_broken_file_says_where(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("seed = = 1\n")
    with pytest.raises(UserError, match="is not valid TOML: .*line 1"):
        load_config(str(path))


def test_an_unknown_key_in_a_file_names_its_neighbor(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[replay]\nbatchsize = 3\n")
    with pytest.raises(UserError, match="no setting 'replay.batchsize'. Did you mean 'replay.batch_size'"):
        load_config(str(path))


def test_a_missing_file_says_how_to_make_one() -> None:
    with pytest.raises(UserError, match="There is no file nowhere/mine.toml"):
        load_config("nowhere/mine.toml")


@given(st.lists(st.text(max_size=30), max_size=4))
def test_any_words_are_understood_or_refused_in_a_sentence(words: list[str]) -> None:
    with suppress(UserError):
        load_config("smoke", words)


names = st.sampled_from([*knobs(), *(path.rpartition(".")[2] for path in knobs()), *EPYMARL])
values = st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=8), st.just("1e999"))


@given(st.lists(st.builds(lambda name, value: f"{name}={value}", names, values), max_size=3))
def test_any_value_for_a_known_key_is_taken_or_refused_in_a_sentence(words: list[str]) -> None:
    with suppress(UserError):
        config = load_config("smoke", words)
        assert validated(tomllib.loads(dump_toml(config))) == config


@given(
    st.recursive(
        st.one_of(st.integers(), st.text(max_size=5), st.booleans()),
        lambda inner: st.dictionaries(st.sampled_from(["env", "replay", "seed", "arguments", "lr", "x"]), inner),
        max_leaves=8,
    )
)
def test_any_table_is_taken_or_refused_in_a_sentence(table: Any) -> None:
    with suppress(UserError):
        validated(table)


def test_the_same_word_twice_means_the_last() -> None:
    assert parse_words(["gamma=0.5", "gamma=0.9"]) == {"algorithm.gamma": 0.9}


def test_an_argument_that_is_nothing_is_not_given() -> None:
    config = load_config("solve", ["env.arguments.sensor_range=None", "env_args.n_agents=3"])
    assert config.env.arguments == {"n_agents": 3}
    assert "sensor_range" not in dump_toml(config)


def test_endless_brackets_are_text_or_a_sentence(tmp_path: Path) -> None:
    assert parse_value("[" * 5000) == "[" * 5000
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5000)
    with pytest.raises(UserError, match="is not valid TOML"):
        load_config(str(tmp_path / "deep.toml"))


def test_another_world_brings_its_own_floor_and_limit() -> None:
    elsewhere = load_config("smoke", ["env.key=Foraging-8x8-2p-2f-v3"])
    assert elsewhere.env.arguments == {}
    assert elsewhere.env.time_limit is None
    assert load_config("solve", ["env.key=mpe:simple_spread_v3"]).env.remember_onset == ()
    assert load_config("smoke", ["env.key=rware:rware-tiny-2ag-v2"]).env.time_limit == 40, "a warehouse keeps them"


@pytest.mark.parametrize("name", ["mappo", "ippo", "maa2c", "ia2c"])
def test_a_preset_is_another_recipe_for_actor_critics(name: str) -> None:
    theirs, ours = load_config("solve", [f"algorithm={name}"]), load_config("solve")
    assert theirs.env == ours.env
    a_round = theirs.collection.num_envs * (theirs.env.time_limit or 0)
    assert theirs.evaluation == ours.evaluation.model_copy(update={"every_env_steps": 10 * a_round})
    assert theirs.training.stop_at_test_return == ours.training.stop_at_test_return
    assert theirs.collection.warmup_env_steps == 0
    assert theirs.exploration.epsilon_start == 0.0
    assert theirs.collection.num_envs % theirs.algorithm.model_dump()["minibatches"] == 0


def test_epymarls_words_mean_what_the_algorithm_makes_of_them() -> None:
    typed = load_config("smoke", ["q_nstep=10", "target_update_interval_or_tau=0.01", "name=mappo"])
    assert typed.algorithm.model_dump()["return_steps"] == 10
    assert typed.algorithm.model_dump()["critic_tau"] == 0.01
    assert load_config("paper-mappo", ["q_nstep=5"]).algorithm.model_dump()["return_steps"] == 5
    assert load_config("smoke", ["q_nstep=5", "td_lambda=0"]).algorithm.model_dump()["n_step"] == 5
