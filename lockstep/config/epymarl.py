"""EPyMARL's words, in both directions: what they change here, and a configuration told in them.

What EPyMARL has no word for keeps ours, by its dotted path, so that nothing is lost.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lockstep.config.knobs import flat
from lockstep.config.schema import AlgorithmConfig, RunConfig
from lockstep.config.schema.actor_critic import ActorCriticConfig
from lockstep.errors import UserError

Changes = dict[str, Any]
"""Dotted paths and their new values."""


def _to(path: str) -> Callable[[str, Any], Changes]:
    return lambda key, value: {path: value}


def _ignored(key: str, value: Any) -> Changes:
    """Words that change nothing here: what they ask for is always so, or has no counterpart."""
    return {}


def _only(expected: Any, why: str) -> Callable[[str, Any], Changes]:
    """Words whose only meaning here is `expected`; anything else would change the experiment silently."""

    def check(key: str, value: Any) -> Changes:
        if value != expected and not (expected == "" and value is None):
            raise UserError(f"{key}={value} is not supported: {why}. Leave it out, or set {key}={expected}.")
        return {}

    return check


def _refused(why: str) -> Callable[[str, Any], Changes]:
    """Words that mean nothing here, whatever their value."""

    def refuse(key: str, value: Any) -> Changes:
        raise UserError(f"{key}={value} is not supported: {why}. Leave it out.")

    return refuse


def _target_update(key: str, value: Any) -> Changes:
    """EPyMARL's one number for two rules: a period in updates above 1, a share of the way up to 1."""
    hard = not isinstance(value, int | float) or value > 1
    sync, tau = (value, 0.0) if hard else (0, value)
    return {"algorithm.target_sync_updates": sync, "algorithm.target_tau": tau}


def _one_of(known: Mapping[Any, Changes], why: str) -> Callable[[str, Any], Changes]:
    """Words with a few values, each with what it changes here."""

    def choose(key: str, value: Any) -> Changes:
        if value not in known:
            raise UserError(f"{key}={value} is not supported: {why}. It may be {' or '.join(map(str, known))}.")
        return known[value]

    return choose


def for_section(section: type[AlgorithmConfig], changes: Changes) -> Changes:
    """The changes, of which some mean another setting where the algorithm is an actor-critic.

    EPyMARL has one word for n-step targets and returns, and one for the target networks of values and of critics. It
    knows which algorithm is meant only when all has been said. Raises UserError for a critic that is copied now and
    then, which there is not here.
    """
    if not issubclass(section, ActorCriticConfig):
        return changes
    period = changes.get("algorithm.target_sync_updates")
    if period:
        raise UserError(
            f"target_update_interval_or_tau={period} is not supported with {section.model_fields['name'].default}: a "
            "slow critic follows a little in every round. Say a share of the way, such as 0.01."
        )
    other = {"algorithm.n_step": "algorithm.return_steps", "algorithm.target_tau": "algorithm.critic_tau"}
    return {other.get(path, path): value for path, value in changes.items() if path != "algorithm.target_sync_updates"}


def _mixer(key: str, value: Any) -> Changes:
    return {"algorithm.name": "iql" if value is None else value}


def _agent(key: str, value: Any) -> Changes:
    if value not in ("rnn", "rnn_ns", "ff"):
        raise UserError(f"agent={value} is not known here: write agent=rnn or agent=ff.")
    return {"network.recurrent": value != "ff"}


def _controller(key: str, value: Any) -> Changes:
    """basic_mac: all agents share their parameters. non_shared_mac: none do."""
    if value not in ("basic_mac", "non_shared_mac"):
        raise UserError(f"mac={value} is not known here: write mac=basic_mac, or mac=non_shared_mac for no sharing.")
    return {"network.sharing": "all" if value == "basic_mac" else "none"}


def _name(key: str, value: Any) -> Changes:
    """A name that ends in _ns is the same algorithm without sharing; `mac` says that, too."""
    name = value.removesuffix("_ns") if isinstance(value, str) else value
    return {"algorithm.name": name} | ({"network.sharing": "none"} if name != value else {})


def _runner(key: str, value: Any) -> Changes:
    """batch_size_run alone says how many environments play side by side."""
    if value not in ("episode", "parallel"):
        raise UserError(f"runner={value} is not known here: say batch_size_run=N for N environments side by side.")
    return {}


def _device(key: str, value: Any) -> Changes:
    return {"training.device": "cuda" if value is True else "cpu" if value is False else value}


EPYMARL: Mapping[str, Callable[[str, Any], Changes]] = {
    "t_max": _to("training.max_env_steps"),
    "batch_size_run": _to("collection.num_envs"),
    "epsilon_anneal_time": _to("exploration.epsilon_anneal_env_steps"),
    "evaluation_epsilon": _to("evaluation.epsilon"),
    "test_interval": _to("evaluation.every_env_steps"),
    "test_nepisode": _to("evaluation.episodes"),
    "log_interval": _to("logging.every_env_steps"),
    "learner_log_interval": _to("logging.every_env_steps"),
    "runner_log_interval": _to("logging.every_env_steps"),
    "save_model_interval": _to("checkpoint.every_env_steps"),
    "obs_agent_id": _to("network.agent_id"),
    "obs_last_action": _to("network.last_action"),
    "hypernet_embed": _to("algorithm.hypernet_embed_dim"),
    "standardise_rewards": _to("algorithm.standardize_rewards"),
    "use_rnn": _to("network.recurrent"),
    "td_lambda": _to("algorithm.td_lambda"),
    "q_nstep": _to("algorithm.n_step"),
    "target_update_interval_or_tau": _target_update,
    "mixer": _mixer,
    "agent": _agent,
    "use_cuda": _device,
    "use_tensorboard": _to("logging.tensorboard"),
    "env": _only("gymma", "the environment is named by env_args.key alone"),
    "name": _name,
    "mac": _controller,
    **dict.fromkeys(
        (
            "save_model",
            "label",
            "repeat_id",
            "hypergroup",
            "buffer_cpu_only",
            "optim_alpha",
            "optim_eps",
            "wandb_team",
            "wandb_project",
            "wandb_mode",
            "wandb_save_model",
        ),
        _ignored,
    ),
    "agent_output_type": _one_of({"q": {}, "pi_logits": {}}, "algorithm.name says what agents' numbers are"),
    "test_greedy": _only(True, "set evaluation.epsilon for evaluations that are not greedy"),
    "common_reward": _only(True, "the mixers learn from the team's reward"),
    "reward_scalarisation": _only("sum", "the team's reward is the sum over its agents"),
    "standardise_returns": _only(
        False, "only rewards can be standardized, or a critic's values by algorithm.normalize_values=moments"
    ),
    "add_value_last_step": _only(True, "cut episodes are valued by algorithm.bootstrap_time_limit"),
    "obs_individual_obs": _only(False, "the state is every agent's observation, or env.state=own"),
    "pretrained_wrapper": _only(None, "env.team and env.others let a finished run play some of the agents"),
    "action_selector": _one_of(
        {"epsilon_greedy": {}, "soft_policies": {"exploration.epsilon_start": 0.0, "exploration.epsilon_finish": 0.0}},
        "exploration is epsilon-greedy, or a policy's own",
    ),
    "runner": _runner,
    "learner": _one_of(
        {"q_learner": {}, "ppo_learner": {}, "actor_critic_learner": {}},
        "algorithm.name says how is learnt: qmix, vdn, iql, mappo, ippo, maa2c or ia2c",
    ),
    "mask_before_softmax": _only(True, "an action that is not allowed has no chance"),
    "critic_type": _one_of(
        {
            "ac_critic": {"algorithm.critic": "own"},
            "ac_critic_ns": {"algorithm.critic": "own"},
            "cv_critic": {"algorithm.critic": "central", "algorithm.critic_agent_id": True},
        },
        "a critic is an agent's own, shared as the policies are, or one for all that is told whom it judges",
    ),
    "entropy_coef": _to("algorithm.entropy_weight"),
    "epochs": _to("algorithm.epochs"),
    "eps_clip": _to("algorithm.clip"),
    "use_critic_rnn": _ignored,
    "use_wandb": _only(False, "logging.loggers names loggers of one's own"),
    "checkpoint_path": _only(
        "", "`lockstep import FOLDER` makes a checkpoint a run, which `lockstep resume` goes on with"
    ),
    "load_step": _only(0, "`lockstep import FOLDER --step N` takes any checkpoint of EPyMARL's"),
    "evaluate": _only(False, "`lockstep evaluate RUN` judges a finished run"),
    "render": _only(False, "`lockstep render RUN` shows a finished run"),
    "save_replay": _only(
        False,
        "it saves films there, as `lockstep render RUN --out team.gif` does; the memory that "
        "resuming needs is checkpoint.save_replay",
    ),
    "local_results_path": _only("results", "`lockstep train ... --out FOLDER` says where a run goes"),
    "target_update_interval": _refused("say target_update_interval_or_tau, which counts updates"),
    **dict.fromkeys(
        (
            "critic_q_fn",
            "critic_baseline_fn",
            "critic_train_mode",
            "critic_train_reps",
            "reg",
            "state_value_type",
            "use_true_pareto",
            "initial_entropy_coef",
            "final_entropy_coef",
            "entropy_end_ratio",
        ),
        _refused("it belongs to EPyMARL's COMA, MADDPG or PAC, which are not here"),
    ),
    **dict.fromkeys(
        ("qtran_arch", "opt_loss", "nopt_min_loss", "network_size"), _refused("it belongs to QTRAN, which is not here")
    ),
}
"""EPyMARL's words and what they change here; docs/epymarl.md has all of them in a table."""
NOT_ALIKE: Mapping[str, tuple[Any, str]] = {
    "seed": (None, "the same number makes other random streams, so no episode is the same one"),
    "use_rnn": (True, "EPyMARL's agent=rnn is then a feed-forward network of three layers"),
    "batch_size_run": (
        1,
        "one update after every collection of so many episodes, as there: the same file learns that many times less; "
        "training.updates_per_collection makes up for it",
    ),
    "standardise_rewards": (
        False,
        "the running mean and deviation are part of a checkpoint here; EPyMARL forgets them",
    ),
    "test_interval": (
        None,
        "evaluations have lanes and random streams of their own, so their interval changes nothing else",
    ),
    "use_critic_rnn": (None, "the critic has a memory where the agents have one (network.recurrent)"),
    "save_model_interval": (
        None,
        "a checkpoint holds targets, optimizer, memory and random streams as well: `lockstep resume` goes on bit for "
        "bit",
    ),
    "env_args.time_limit": (
        None,
        "EPyMARL stores a limit as an end, after which nothing is worth anything: algorithm.bootstrap_time_limit=false "
        "here; true gives a cut episode its future",
    ),
}
"""Words that are taken: the value with which they mean the same, if any, and what is different all the same."""
THEIR_READING: Changes = {"algorithm.bootstrap_time_limit": False}
"""What EPyMARL does without having a word for it."""
THEIR_CRITICS: Changes = {
    "algorithm.renew_advantages": True,
    "algorithm.normalize_advantages": False,
    "algorithm.normalize_values": "off",
    "algorithm.value_weight": 1.0,
}
"""The same of its actor-critics."""
_Q_LEARNING: Changes = {
    "training.max_env_steps": 2_050_000,
    "env.time_limit": 100,
    "network.recurrent": False,
    "algorithm.standardize_rewards": True,
}
_WITHOUT_SHARING: Changes = {"network.sharing": "none", "network.agent_id": False}
_IQL: Changes = {
    "algorithm.name": "iql",
    "network.recurrent": True,
    "network.hidden_dim": 128,
    "optimizer.lr": 3e-4,
    "exploration.epsilon_anneal_env_steps": 200_000,
}
SHIPPED: Mapping[str, Changes] = {
    name: THEIR_READING | _Q_LEARNING | changes
    for name, changes in {
        "qmix": {"algorithm.name": "qmix"},
        "vdn": {"algorithm.name": "vdn"},
        "iql": _IQL,
        "qmix_ns": {"algorithm.name": "qmix", **_WITHOUT_SHARING},
        "vdn_ns": {"algorithm.name": "vdn", **_WITHOUT_SHARING},
        "iql_ns": {"algorithm.name": "iql", **_WITHOUT_SHARING},
    }.items()
}
"""The configurations that EPyMARL ships for gymma, by name, as they differ from our defaults."""
OVERRULED = ("agent", "name")
"""There `use_rnn` and `mixer` decide, and these only name; so they are read first, wherever they stand."""
INTERVALS = ("log_interval", "runner_log_interval", "learner_log_interval")
"""Three words for one interval here: the smallest counts."""
ENV_ARGS = ("common_reward", "reward_scalarisation", "pretrained_wrapper")
"""In env_args, but of its wrapper, not of the environment."""
_SAME_VALUE = {
    "seed": "seed",
    "collection.num_envs": "batch_size_run",
    "exploration.epsilon_start": "epsilon_start",
    "exploration.epsilon_finish": "epsilon_finish",
    "exploration.epsilon_anneal_env_steps": "epsilon_anneal_time",
    "network.recurrent": "use_rnn",
    "network.hidden_dim": "hidden_dim",
    "network.agent_id": "obs_agent_id",
    "network.last_action": "obs_last_action",
    "algorithm.mixing_embed_dim": "mixing_embed_dim",
    "algorithm.hypernet_layers": "hypernet_layers",
    "algorithm.hypernet_embed_dim": "hypernet_embed",
    "algorithm.name": "name",
    "algorithm.gamma": "gamma",
    "algorithm.td_lambda": "td_lambda",
    "algorithm.n_step": "q_nstep",
    "algorithm.return_steps": "q_nstep",
    "algorithm.entropy_weight": "entropy_coef",
    "algorithm.epochs": "epochs",
    "algorithm.clip": "eps_clip",
    "algorithm.double_q": "double_q",
    "algorithm.standardize_rewards": "standardise_rewards",
    "replay.buffer_size": "buffer_size",
    "replay.batch_size": "batch_size",
    "optimizer.lr": "lr",
    "optimizer.grad_norm_clip": "grad_norm_clip",
    "training.max_env_steps": "t_max",
    "evaluation.every_env_steps": "test_interval",
    "evaluation.episodes": "test_nepisode",
    "evaluation.epsilon": "evaluation_epsilon",
    "checkpoint.every_env_steps": "save_model_interval",
    "logging.every_env_steps": "log_interval",
    "logging.tensorboard": "use_tensorboard",
}
_TOLD_OTHERWISE = {
    "env.key",
    "env.time_limit",
    "env.arguments",
    "algorithm.target_sync_updates",
    "algorithm.target_tau",
    "training.device",
}


def _env_args(config: RunConfig) -> dict[str, Any]:
    """In the order in which sacred writes them, and with all that EPyMARL has there: its plots put runs together whose
    `env_args` are the same text."""
    key = config.env.key
    if key.startswith("rware-"):
        key = f"rware:{key}"
    elif key.startswith("mpe:"):
        key = f"pz-mpe-{key.removeprefix('mpe:').replace('_', '-')}"
    words = {"key": key, "pretrained_wrapper": None, "time_limit": config.env.time_limit, **config.env.arguments}
    return dict(sorted(words.items()))


def _learner(config: RunConfig) -> dict[str, Any]:
    """How it learns, in the words that EPyMARL has for values and for actor-critics."""
    algorithm = config.algorithm
    if not isinstance(algorithm, ActorCriticConfig):
        return {"mixer": None if algorithm.name == "iql" else algorithm.name}
    own = "ac_critic" if config.network.sharing != "none" else "ac_critic_ns"
    return {
        "learner": "ppo_learner" if algorithm.clip > 0 else "actor_critic_learner",
        "agent_output_type": "pi_logits",
        "action_selector": "soft_policies",
        "mask_before_softmax": True,
        "critic_type": own if algorithm.critic == "own" else "cv_critic",
        "use_critic_rnn": config.network.recurrent,
        **({"target_update_interval_or_tau": algorithm.critic_tau} if algorithm.critic_tau > 0 else {}),
    }


def epymarl_config(config: RunConfig) -> dict[str, Any]:
    """As in EPyMARL's config.json; the names that are only ours at the end."""
    values = flat(config)
    period = values.get("algorithm.target_sync_updates")
    shared = config.network.sharing != "none"
    words: dict[str, Any] = {
        "agent": "rnn" if shared else "rnn_ns",  # with use_rnn=False, EPyMARL's word for feed-forward agents
        "mac": "basic_mac" if shared else "non_shared_mac",
        **{name: values[path] for path, name in _SAME_VALUE.items() if path in values},
        "env": "gymma",
        "env_args": _env_args(config),
        **_learner(config),
        **({"target_update_interval_or_tau": period or values["algorithm.target_tau"]} if period is not None else {}),
        "use_cuda": config.training.on_gpu,
        "common_reward": True,
        "reward_scalarisation": "sum",
        "test_greedy": True,
        "save_model": True,
    }
    return words | {path: value for path, value in values.items() if path not in _TOLD_OTHERWISE | _SAME_VALUE.keys()}
