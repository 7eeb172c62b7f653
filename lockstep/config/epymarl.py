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


def _hysteretic(key: str, value: Any) -> Changes:
    """PyMARL's one learner for both kinds of weighted QMIX."""
    return {"algorithm.name": "owqmix" if value else "cwqmix"}


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


def _critic(key: str, value: Any) -> Changes:
    """Central critics are told there whom they judge. In _ns every agent has its own, as `mac` says here."""
    if value not in ("cv_critic", "ac_critic", "cv_critic_ns", "ac_critic_ns"):
        raise UserError(f"critic_type={value} is not known here: write cv_critic for a central one, else ac_critic.")
    central = value.startswith("cv")
    return {"algorithm.critic": "central" if central else "own", "algorithm.critic_agent_id": central}


def _slow_critic(key: str, value: Any) -> Changes:
    """The share by which the slow copy of an actor-critic's critic follows."""
    if not isinstance(value, int | float) or value > 1:
        raise UserError(f"{key}={value} is not supported: a slow critic follows by shares. Set 0.01, or another share.")
    return {"algorithm.critic_tau": value}


def _one_of(*known: str) -> Callable[[str, Any], Changes]:
    """Words that follow from the algorithm's name here."""

    def check(key: str, value: Any) -> Changes:
        if value not in known:
            raise UserError(f"{key}={value} is not known here: it is {' or '.join(known)}. Leave it out.")
        return {}

    return check


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
    "agent_output_type": _one_of("q", "pi_logits"),
    "test_greedy": _only(True, "set evaluation.epsilon for evaluations that are not greedy"),
    "common_reward": _only(True, "the mixers learn from the team's reward"),
    "reward_scalarisation": _only("sum", "the team's reward is the sum over its agents"),
    "standardise_returns": _only(False, "only rewards can be standardized"),
    "add_value_last_step": _only(True, "cut episodes are valued by algorithm.bootstrap_time_limit"),
    "obs_individual_obs": _only(False, "the state is every agent's observation, or env.state=own"),
    "pretrained_wrapper": _only(None, "env.team and env.others let a finished run play some of the agents"),
    "action_selector": _one_of("epsilon_greedy", "soft_policies"),
    "runner": _runner,
    "learner": _one_of(
        "q_learner",
        "ppo_learner",
        "actor_critic_learner",
        "dmaq_qatten_learner",
        "max_q_learner",
        "qtran_learner",
    ),
    "critic_type": _critic,
    "entropy_coef": _to("algorithm.entropy_weight"),
    "eps_clip": _to("algorithm.clip"),
    "mask_before_softmax": _only(True, "actions that are not available have no chance"),
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
        _refused("it belongs to an algorithm that is not here"),
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
ACTOR_CRITICS = ("mappo", "ippo", "maa2c", "ia2c")
OF_ACTOR_CRITICS: Mapping[str, Callable[[str, Any], Changes]] = {
    "q_nstep": _to("algorithm.return_steps"),
    "target_update_interval_or_tau": _slow_critic,
    **dict.fromkeys(("batch_size", "buffer_size"), _ignored),
}
"""Words that mean something else to an actor-critic, which learns from the batch_size_run episodes just played."""
NOT_ALIKE: Mapping[str, tuple[Any, str]] = {
    "seed": (None, "the same number makes other random streams, so no episode is the same one"),
    "use_rnn": (True, "EPyMARL's agent=rnn is then a feed-forward network of three layers"),
    "batch_size_run": (
        1,
        "Q-learning makes one update after so many episodes, as there: the same file learns that many times less; "
        "training.updates_per_collection makes up for it",
    ),
    "use_critic_rnn": (
        None,
        "a critic has a memory here where the agents have one (network.recurrent)",
    ),
    "standardise_rewards": (
        False,
        "the running mean and deviation are part of a checkpoint here; EPyMARL forgets them",
    ),
    "test_interval": (
        None,
        "evaluations have lanes and random streams of their own, so their interval changes nothing else",
    ),
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
_Q_LEARNING: Changes = {
    "training.max_env_steps": 2_050_000,
    "env.time_limit": 100,
    "network.recurrent": False,
    "algorithm.standardize_rewards": True,
}
THEIR_ACTOR_CRITIC: Changes = {
    "algorithm.renew_advantages": True,
    "algorithm.normalize_advantages": False,
    "algorithm.normalize_values": "off",
}
"""The same of its actor-critics."""
_ON_POLICY: Changes = THEIR_ACTOR_CRITIC | {
    "training.max_env_steps": 20_050_000,
    "env.time_limit": 100,
    "collection.num_envs": 10,
    "network.recurrent": True,
    "network.hidden_dim": 128,
    "algorithm.standardize_rewards": True,
    "algorithm.entropy_weight": 0.001,
    "algorithm.return_steps": 5,
    "algorithm.critic_tau": 0.01,
}
_CENTRAL: Changes = {"algorithm.critic": "central", "algorithm.critic_agent_id": True}
_OWN: Changes = {"algorithm.critic": "own"}
_PPO: Changes = {"optimizer.lr": 3e-4, "algorithm.epochs": 4, "algorithm.clip": 0.2}
_WITHOUT_SHARING: Changes = {"network.sharing": "none", "network.agent_id": False}
_IQL: Changes = {
    "algorithm.name": "iql",
    "network.recurrent": True,
    "network.hidden_dim": 128,
    "optimizer.lr": 3e-4,
    "exploration.epsilon_anneal_env_steps": 200_000,
}
SHIPPED: Mapping[str, Changes] = {
    name: THEIR_READING | changes
    for name, changes in {
        "qmix": _Q_LEARNING | {"algorithm.name": "qmix"},
        "vdn": _Q_LEARNING | {"algorithm.name": "vdn"},
        "iql": _Q_LEARNING | _IQL,
        "mappo": _ON_POLICY | _CENTRAL | _PPO | {"algorithm.name": "mappo"},
        "ippo": _ON_POLICY | _OWN | _PPO | {"algorithm.name": "ippo"},
        "maa2c": _ON_POLICY | _CENTRAL | {"algorithm.name": "maa2c"},
        "ia2c": _ON_POLICY | _OWN | {"algorithm.name": "ia2c"},
        "qmix_ns": _Q_LEARNING | _WITHOUT_SHARING | {"algorithm.name": "qmix"},
        "vdn_ns": _Q_LEARNING | _WITHOUT_SHARING | {"algorithm.name": "vdn"},
        "iql_ns": _Q_LEARNING | _WITHOUT_SHARING | {"algorithm.name": "iql"},
    }.items()
}
"""The configurations that EPyMARL ships for gymma, by name, as they differ from our defaults."""
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
    elif key.startswith("Foraging-"):
        key = f"lbforaging:{key}"
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
    shared = config.network.sharing != "none"
    words: dict[str, Any] = {
        "agent": "rnn" if shared else "rnn_ns",  # with use_rnn=False, EPyMARL's word for feed-forward agents
        "mac": "basic_mac" if shared else "non_shared_mac",
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
