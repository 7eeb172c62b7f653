"""EPyMARL's words, in both directions: what they change here, and a configuration told in them.

Its readers find the names of src/config/default.yaml and algs/qmix.yaml. What EPyMARL has no word for keeps ours, by
its dotted path, so that nothing is lost.
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
        if value != expected:
            raise UserError(f"{key}={value} is not supported: {why}. Leave it out, or set {key}={expected}.")
        return {}

    return check


def _target_update(key: str, value: Any) -> Changes:
    """EPyMARL's one number for two rules: a period in updates above 1, a share of the way up to 1."""
    hard = not isinstance(value, int | float) or value > 1
    sync, tau = (value, 0.0) if hard else (0, value)
    return {"algorithm.target_sync_updates": sync, "algorithm.target_tau": tau}


def _mixer(key: str, value: Any) -> Changes:
    return {"algorithm.name": "iql" if value is None else value}


def _agent(key: str, value: Any) -> Changes:
    if value not in ("rnn", "ff"):
        raise UserError(f"agent={value} is not known here: write agent=rnn or agent=ff.")
    return {"network.recurrent": value == "rnn"}


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
    "optim_eps": _to("optimizer.eps"),
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
    "save_model": _ignored,
    "label": _ignored,
    "buffer_cpu_only": _ignored,
    "test_greedy": _only(True, "set evaluation.epsilon for evaluations that are not greedy"),
    "common_reward": _only(True, "the mixers learn from the team's reward"),
    "reward_scalarisation": _only("sum", "the team's reward is the sum over its agents"),
    "standardise_returns": _only(False, "only rewards can be standardized"),
    "action_selector": _only("epsilon_greedy", "exploration is epsilon-greedy"),
    "runner": _only("episode", "say batch_size_run=N for N environments side by side"),
    "learner": _only("q_learner", "say mixer=qmix, vdn or None"),
}
"""EPyMARL's words (src/config/default.yaml, algs/qmix.yaml) and what they change here."""
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
    "algorithm.double_q": "double_q",
    "algorithm.standardize_rewards": "standardise_rewards",
    "replay.buffer_size": "buffer_size",
    "replay.batch_size": "batch_size",
    "optimizer.lr": "lr",
    "optimizer.eps": "optim_eps",
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


def epymarl_config(config: RunConfig) -> dict[str, Any]:
    """As in EPyMARL's config.json; the names that are only ours at the end."""
    values = flat(config)
    period = values.get("algorithm.target_sync_updates")
    words: dict[str, Any] = {
        "agent": "rnn",  # with use_rnn=False, EPyMARL's word for feed-forward agents
        **{name: values[path] for path, name in _SAME_VALUE.items() if path in values},
        "env": "gymma",
        "env_args": {"key": config.env.key, "time_limit": config.env.time_limit, **config.env.arguments},
        "mixer": None if config.algorithm.name == "iql" else config.algorithm.name,
        **({"target_update_interval_or_tau": period or values["algorithm.target_tau"]} if period is not None else {}),
        "use_cuda": config.training.device == "cuda",
        "common_reward": True,
        "reward_scalarisation": "sum",
        "test_greedy": True,
        "save_model": True,
    }
    return words | {path: value for path, value in values.items() if path not in _TOLD_OTHERWISE | _SAME_VALUE.keys()}
