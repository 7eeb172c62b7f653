"""A configuration in EPyMARL's words, for people and scripts that read its results folders.

The inverse of the words that `lockstep.config.load` understands. What EPyMARL has no word for keeps ours, by its dotted
path, so that nothing is lost.
"""

from typing import Any

from lockstep.config.load import flat
from lockstep.config.schema import RunConfig

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
    "network.mixing_embed_dim": "mixing_embed_dim",
    "network.hypernet_layers": "hypernet_layers",
    "network.hypernet_embed_dim": "hypernet_embed",
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
    algorithm = config.algorithm
    words: dict[str, Any] = {
        "agent": "rnn",  # with use_rnn=False, EPyMARL's word for feed-forward agents
        **{name: values[path] for path, name in _SAME_VALUE.items()},
        "env": "gymma",
        "env_args": {"key": config.env.key, "time_limit": config.env.time_limit, **config.env.arguments},
        "mixer": None if algorithm.name == "iql" else algorithm.name,
        "target_update_interval_or_tau": algorithm.target_sync_updates or algorithm.target_tau,
        "use_cuda": config.training.device == "cuda",
        "common_reward": True,
        "reward_scalarisation": "sum",
        "test_greedy": True,
        "save_model": True,
    }
    return words | {path: value for path, value in values.items() if path not in _TOLD_OTHERWISE | _SAME_VALUE.keys()}
