"""EPyMARL's words, in both directions: what they change here, and a configuration told in them.

What EPyMARL has no word for keeps ours, by its dotted path, so that nothing is lost.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lockstep.config.knobs import flat
from lockstep.config.schema import RunConfig
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


_MIXERS = {None: "iql", "dmaq": "qplex", "qtran_base": "qtran"}
"""PyMARL's mixers that have another name here."""


def _mixer(key: str, value: Any) -> Changes:
    return {"algorithm.name": _MIXERS.get(value, value)}


def _learner(key: str, value: Any) -> Changes:
    """The mixer alone says what is learnt."""
    if value not in ("q_learner", "dmaq_qatten_learner", "max_q_learner", "qtran_learner"):
        raise UserError(f"learner={value} is not supported: say mixer=qmix, vdn or None. Leave it out.")
    return {}


def _hysteretic(key: str, value: Any) -> Changes:
    """PyMARL's one learner for both kinds of weighted QMIX."""
    return {"algorithm.name": "owqmix" if value else "cwqmix"}


def _agent(key: str, value: Any) -> Changes:
    if value not in ("rnn", "ff"):
        raise UserError(f"agent={value} is not known here: write agent=rnn or agent=ff.")
    return {"network.recurrent": value == "rnn"}


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
    "name": _to("algorithm.name"),
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
    "mac": _only("basic_mac", "agents share their parameters"),
    "agent_output_type": _only("q", "agents say how much they value actions"),
    "test_greedy": _only(True, "set evaluation.epsilon for evaluations that are not greedy"),
    "common_reward": _only(True, "the mixers learn from the team's reward"),
    "reward_scalarisation": _only("sum", "the team's reward is the sum over its agents"),
    "standardise_returns": _only(False, "only rewards can be standardized"),
    "add_value_last_step": _only(True, "cut episodes are valued by algorithm.bootstrap_time_limit"),
    "obs_individual_obs": _only(False, "the state is every agent's observation, or env.state=own"),
    "pretrained_wrapper": _only(None, "env.team and env.others let a finished run play some of the agents"),
    "action_selector": _only("epsilon_greedy", "exploration is epsilon-greedy"),
    "runner": _runner,
    "learner": _learner,
    "use_wandb": _only(False, "logging.loggers names loggers of one's own"),
    "checkpoint_path": _only("", "`lockstep resume RUN` goes on, `lockstep evaluate RUN` judges"),
    "load_step": _only(0, "`lockstep evaluate RUN --checkpoint STEPS` judges any of them"),
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
            "mask_before_softmax",
            "critic_type",
            "entropy_coef",
            "epochs",
            "eps_clip",
            "use_critic_rnn",
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
        _refused("it belongs to EPyMARL's actor-critics"),
    ),
    "qtran_arch": _only("coma_critic", "the joint value sees the state and the actions of all"),
    "network_size": _only("small", "algorithm.joint_embed_dim says how wide it is"),
    "opt_loss": _to("algorithm.opt_weight"),
    "nopt_min_loss": _to("algorithm.nopt_weight"),
    "num_kernel": _to("algorithm.attention_heads"),
    "adv_hypernet_layers": _to("algorithm.attention_layers"),
    "adv_hypernet_embed": _to("algorithm.attention_embed_dim"),
    "is_stop_gradient": _to("algorithm.stop_gradient"),
    **dict.fromkeys(("is_minus_one", "weighted_head", "is_adv_attention"), _only(True, "it is a part of QPLEX")),
    "hysteretic_qmix": _hysteretic,
    "w": _to("algorithm.alpha"),
    "central_mixing_embed_dim": _to("algorithm.central_embed_dim"),
    **dict.fromkeys(("central_loss", "qmix_loss"), _only(1, "both losses weigh the same")),
    "central_action_embed": _only(1, "central agents have one value an action"),
    "central_mac": _only("basic_central_mac", "central agents are agents like those that act"),
    "central_agent": _only("central_rnn", "central agents are agents like those that act"),
    "central_rnn_hidden_dim": _only(64, "central agents are as wide as network.hidden_dim says"),
    "central_mixer": _only("ff", "the central mixer is feed-forward"),
}
"""EPyMARL's words and what they change here; docs/epymarl.md has all of them in a table."""
OVERRULED = ("agent", "name")
"""There `use_rnn` and `mixer` decide, and these only name; so they are read first, wherever they stand."""
DECIDING = ("hysteretic_qmix",)
"""Words that say more than `mixer` does; so they are read last, wherever they stand."""
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
    "algorithm.attention_heads": "num_kernel",
    "algorithm.attention_layers": "adv_hypernet_layers",
    "algorithm.attention_embed_dim": "adv_hypernet_embed",
    "algorithm.stop_gradient": "is_stop_gradient",
    "algorithm.alpha": "w",
    "algorithm.central_embed_dim": "central_mixing_embed_dim",
    "algorithm.joint_embed_dim": "mixing_embed_dim",
    "algorithm.opt_weight": "opt_loss",
    "algorithm.nopt_weight": "nopt_min_loss",
    "algorithm.name": "name",
    "algorithm.gamma": "gamma",
    "algorithm.td_lambda": "td_lambda",
    "algorithm.n_step": "q_nstep",
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


def widths(changes: Changes) -> Changes:
    """What EPyMARL's mixing_embed_dim means beside these: it is QTRAN's joint width, too, and QPLEX never reads it."""
    if (name := changes.get("algorithm.name")) not in ("qplex", "qtran", "qtran_alt"):
        return changes
    width = changes.pop("algorithm.mixing_embed_dim")
    return changes if name == "qplex" else changes | {"algorithm.joint_embed_dim": width}


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


def _mixer_of(name: str) -> str | None:
    """PyMARL's word for what mixes."""
    theirs = {ours: mixer for mixer, ours in _MIXERS.items()} | {"owqmix": "qmix", "cwqmix": "qmix"}
    return theirs.get(name, name)


def epymarl_config(config: RunConfig) -> dict[str, Any]:
    """As in EPyMARL's config.json; the names that are only ours at the end."""
    values = flat(config)
    period = values.get("algorithm.target_sync_updates")
    words: dict[str, Any] = {
        "agent": "rnn",  # with use_rnn=False, EPyMARL's word for feed-forward agents
        **{name: values[path] for path, name in _SAME_VALUE.items() if path in values},
        "env": "gymma",
        "env_args": _env_args(config),
        "mixer": _mixer_of(config.algorithm.name),
        **({"target_update_interval_or_tau": period or values["algorithm.target_tau"]} if period is not None else {}),
        "use_cuda": config.training.on_gpu,
        "common_reward": True,
        "reward_scalarisation": "sum",
        "test_greedy": True,
        "save_model": True,
    }
    return words | {path: value for path, value in values.items() if path not in _TOLD_OTHERWISE | _SAME_VALUE.keys()}
