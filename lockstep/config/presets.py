"""Configurations that are worth a name. The first line of each docstring is what `lockstep presets` prints."""

from collections.abc import Callable, Mapping
from typing import Any

from lockstep.config.schema import (
    CheckpointConfig,
    CollectionConfig,
    EnvConfig,
    EvaluationConfig,
    ExplorationConfig,
    LoggingConfig,
    NetworkConfig,
    OptimizerConfig,
    PQNConfig,
    QMIXConfig,
    QTRANConfig,
    ReplayConfig,
    RunConfig,
    TrainingConfig,
)
from lockstep.config.schema.actor_critic import (
    ActorCriticConfig,
    IA2CConfig,
    IPPOConfig,
    MAA2CConfig,
    MAPPOConfig,
)
from lockstep.config.schema.algorithm import AlgorithmConfig
from lockstep.config.schema.algorithms import SECTIONS

SMOKE_LAYOUT = """
.....
.x.x.
.x.x.
.....
..g..
"""
CARRYING_SHELF = 2  # in RWARE's observation
ON_POLICY = ExplorationConfig(epsilon_start=0.0, epsilon_finish=0.0, epsilon_anneal_env_steps=0)
"""A policy explores by itself: it draws its actions."""
TINY_100 = EnvConfig(key="rware-tiny-2ag-v2", time_limit=100)


def smoke() -> RunConfig:
    """A warehouse of 25 cells: two robots learn to deliver in seconds. For trying things out."""
    return RunConfig(
        env=EnvConfig(key="rware-tiny-2ag-v2", time_limit=40, arguments={"layout": SMOKE_LAYOUT}),
        collection=CollectionConfig(num_envs=32, warmup_env_steps=100_000),
        exploration=ExplorationConfig(epsilon_start=0.5, epsilon_finish=0.1, epsilon_anneal_env_steps=300_000),
        network=NetworkConfig(recurrent=False, hidden_dim=64),
        algorithm=QMIXConfig(
            gamma=0.97,
            td_lambda=0.8,
            target_sync_updates=0,
            target_tau=0.02,
            mixing_embed_dim=16,
            hypernet_embed_dim=32,
        ),
        replay=ReplayConfig(batch_size=64, segment_steps=8, rewarding_fraction=0.2, rewarding_buffer_size=2_000),
        optimizer=OptimizerConfig(lr=2e-3),
        training=TrainingConfig(max_env_steps=300_000, updates_per_collection=12),
        evaluation=EvaluationConfig(every_env_steps=40_000, episodes=100),
        checkpoint=CheckpointConfig(every_env_steps=100_000),
        logging=LoggingConfig(every_env_steps=20_000),
    )


def solve() -> RunConfig:
    """The tuned team on rware-tiny-2ag-v2, 100 steps: trained until it passes the published 3.25."""
    return RunConfig(
        env=TINY_100.model_copy(update={"remember_onset": (CARRYING_SHELF,)}),
        collection=CollectionConfig(num_envs=64, warmup_env_steps=10_000_000),
        exploration=ExplorationConfig(
            epsilon_start=0.7,
            epsilon_finish=0.7,
            epsilon_anneal_env_steps=0,
            epsilon_ladder=11.0,
        ),
        network=NetworkConfig(recurrent=False, hidden_dim=128),
        algorithm=QMIXConfig(gamma=0.98, td_lambda=0.9, target_sync_updates=0, target_tau=0.02, actor_tau=0.002),
        replay=ReplayConfig(batch_size=64, segment_steps=12, rewarding_fraction=0.25),
        optimizer=OptimizerConfig(lr=1e-3),
        training=TrainingConfig(
            max_env_steps=50_000_000,
            updates_per_collection=16,
            learn_while_playing=True,
            learner_share=0.65,
            stop_at_test_return=3.25,
        ),
        evaluation=EvaluationConfig(every_env_steps=64_000, episodes=200),
        checkpoint=CheckpointConfig(every_env_steps=1_000_000),
        logging=LoggingConfig(every_env_steps=100_000),
    )


def master() -> RunConfig:
    """The same team, trained on for six minutes: above 5 in 100 steps, above the best published learner's pace."""
    tuned = solve()
    return tuned.model_copy(
        update={
            "training": tuned.training.model_copy(
                update={"max_env_steps": 30_000_000, "stop_at_test_return": None},
            ),
            "evaluation": EvaluationConfig(every_env_steps=500_000, episodes=200),
        }
    )


def master_500() -> RunConfig:
    """The same recipe in episodes of 500 steps, the benchmark papers' length; for any warehouse (env.key=...)."""
    tuned = master()
    return tuned.model_copy(
        update={
            "env": tuned.env.model_copy(update={"time_limit": 500}),
            # As many updates for a step, and as many steps in memory, as in episodes of 100.
            "training": tuned.training.model_copy(update={"max_env_steps": 60_000_000, "updates_per_collection": 80}),
            "replay": tuned.replay.model_copy(update={"buffer_size": 1_000, "rewarding_buffer_size": 820}),
        }
    )


def report_default() -> RunConfig:
    """The published experiment's first configuration, literally: ends at 0.00.

    Batch 32, buffer 5,000, epsilon 1.0 to 0.05 in 50,000 steps, 2,000,000 steps. Everything not named in the report is
    EPyMARL's default for QMIX; recurrent agents, as the report says.
    """
    return RunConfig(
        env=TINY_100,
        algorithm=QMIXConfig(gamma=0.99, bootstrap_time_limit=False, standardize_rewards=True, target_sync_updates=200),
        network=NetworkConfig(recurrent=True, hidden_dim=64),
        training=TrainingConfig(max_env_steps=2_000_000),
    )


def report_changed() -> RunConfig:
    """The published experiment's second configuration, literally: ends at 0.00.

    Batch 128, learning rate 0.001, 10,000,000 steps; otherwise the first.
    """
    return report_default().model_copy(
        update={
            "replay": ReplayConfig(batch_size=128),
            "optimizer": OptimizerConfig(lr=1e-3),
            "training": TrainingConfig(max_env_steps=10_000_000),
        }
    )


def report_final() -> RunConfig:
    """The published experiment's third configuration, literally: 3.25 after about a day.

    Batch 256, buffer 200,000, epsilon 1.0 to 0.1 in 5,000,000 steps, 20,000,000 steps; otherwise the first. One update
    of 256 episodes for every episode played: 200,000 updates.
    """
    return report_default().model_copy(
        update={
            "replay": ReplayConfig(batch_size=256, buffer_size=200_000),
            "exploration": ExplorationConfig(epsilon_finish=0.1, epsilon_anneal_env_steps=5_000_000),
            "training": TrainingConfig(max_env_steps=20_000_000),
        }
    )


def report_week1() -> RunConfig:
    """simple_spread, three particles and three landmarks, 25 steps: QMIX; algorithm.name=vdn or iql for the others."""
    return RunConfig(
        env=EnvConfig(key="mpe:simple_spread_v3"),
        collection=CollectionConfig(num_envs=64),
        exploration=ExplorationConfig(epsilon_finish=0.05, epsilon_anneal_env_steps=500_000),
        network=NetworkConfig(recurrent=False, hidden_dim=128),
        algorithm=QMIXConfig(gamma=0.9, td_lambda=0.8, target_sync_updates=0, target_tau=0.01, actor_tau=0.01),
        replay=ReplayConfig(batch_size=64, buffer_size=20_000, segment_steps=10),
        optimizer=OptimizerConfig(lr=1e-3),
        training=TrainingConfig(max_env_steps=2_000_000, updates_per_collection=16),
        evaluation=EvaluationConfig(every_env_steps=100_000, episodes=250),
        logging=LoggingConfig(every_env_steps=20_000),
    )


def foraging() -> RunConfig:
    """Level-Based Foraging, 50 steps: three players, three foods, 10 x 10 cells; for any field (env.key=...)."""
    return RunConfig(
        env=EnvConfig(key="Foraging-10x10-3p-3f-v3", time_limit=50),
        collection=CollectionConfig(num_envs=64),
        exploration=ExplorationConfig(epsilon_finish=0.05, epsilon_anneal_env_steps=500_000),
        network=NetworkConfig(recurrent=False, hidden_dim=64),
        algorithm=QMIXConfig(
            gamma=0.97,
            td_lambda=0.6,
            target_sync_updates=0,
            target_tau=0.01,
            actor_tau=0.01,
            standardize_rewards=True,
        ),
        replay=ReplayConfig(
            batch_size=128,
            buffer_size=20_000,
            segment_steps=10,
            rewarding_fraction=0.25,
        ),
        optimizer=OptimizerConfig(lr=1e-3),
        training=TrainingConfig(max_env_steps=3_000_000, updates_per_collection=32),
        evaluation=EvaluationConfig(every_env_steps=100_000, episodes=100),
        logging=LoggingConfig(every_env_steps=20_000),
    )


def for_pqn(base: RunConfig, name: str) -> RunConfig:
    """A preset as it is for PQN: the same task and judging, and a recipe of its own. What is never remembered needs no
    warm-up, what has only a collection to learn from needs a large one, and an average of the newest parameters plays.

    name: of the algorithm
    """
    return base.model_copy(
        update={
            "collection": CollectionConfig(num_envs=max(64, base.collection.num_envs)),
            "network": base.network.model_copy(update={"layer_norm": True}),
            "algorithm": _in_terms_of(name, base.algorithm, td_lambda=0.9, actor_tau=0.01),
            "optimizer": OptimizerConfig(lr=1e-3),
            "training": base.training.model_copy(update={"updates_per_collection": 1, "learn_while_playing": False}),
        }
    )


def for_qtran(base: RunConfig, name: str) -> RunConfig:
    """A preset as it is for QTRAN: the same task and judging. Its agents learn only from how far their sum is from the
    joint value, so it takes longer returns, a wider joint value, an average of the newest parameters that plays, and
    600,000 steps at least.

    name: of the algorithm
    """
    steps = max(base.training.max_env_steps, 600_000)
    return base.model_copy(
        update={
            "algorithm": _in_terms_of(name, base.algorithm, td_lambda=0.95, actor_tau=0.01, joint_embed_dim=128),
            "training": base.training.model_copy(update={"max_env_steps": steps}),
        }
    )


def _in_terms_of(name: str, had: AlgorithmConfig, **recipe: Any) -> AlgorithmConfig:
    """The section of an algorithm, with those settings of another one that it has too, and those of a recipe."""
    section, settings = SECTIONS[name], had.model_dump()
    kept = {setting: settings[setting] for setting in section.model_fields.keys() & settings.keys()}
    return section.model_validate({**kept, "name": name, **recipe})


def paper_mappo() -> RunConfig:
    """MAPPO on rware-tiny-2ag-v2 as Papoudakis et al. 2021 tuned it, literally: 40,000,000 steps, above 20.

    Whole episodes of ten environments are one batch, a time limit counts as an end, the critic is told whom it judges,
    and a slow copy of it makes 10-step returns: EPyMARL's reading. Their number is the best of 41 sampled evaluations.
    """
    return _paper(MAPPOConfig(critic_agent_id=True, **_EPYMARL_PPO), NetworkConfig(recurrent=False, hidden_dim=128))


def paper_ippo() -> RunConfig:
    """IPPO on rware-tiny-2ag-v2 as Papoudakis et al. 2021 tuned it, literally: 40,000,000 steps, about 20."""
    return _paper(IPPOConfig(**_EPYMARL_PPO), NetworkConfig(recurrent=False, hidden_dim=128))


def paper_maa2c() -> RunConfig:
    """MAA2C on rware-tiny-2ag-v2 as Papoudakis et al. 2021 tuned it, literally: 40,000,000 steps, about 8."""
    return _paper(MAA2CConfig(critic_agent_id=True, **_EPYMARL_A2C), NetworkConfig(recurrent=False, hidden_dim=64))


def paper_ia2c() -> RunConfig:
    """IA2C on rware-tiny-2ag-v2 as Papoudakis et al. 2021 tuned it, literally: 40,000,000 steps, about 8."""
    return _paper(IA2CConfig(**_EPYMARL_A2C), NetworkConfig(recurrent=False, hidden_dim=64))


_EPYMARL: dict[str, Any] = {
    "bootstrap_time_limit": False,
    "critic_tau": 0.01,
    "renew_advantages": True,
    "normalize_advantages": False,
    "normalize_values": "off",
    "value_weight": 1.0,
}
_EPYMARL_PPO: dict[str, Any] = {**_EPYMARL, "epochs": 4, "clip": 0.2, "return_steps": 10, "entropy_weight": 0.001}
_EPYMARL_A2C: dict[str, Any] = {**_EPYMARL, "return_steps": 5, "entropy_weight": 0.01, "standardize_rewards": True}


def _paper(algorithm: ActorCriticConfig, network: NetworkConfig) -> RunConfig:
    """What the on-policy trainings of the paper have in common."""
    return RunConfig(
        env=EnvConfig(key="rware-tiny-2ag-v2", time_limit=500),
        collection=CollectionConfig(num_envs=10),
        exploration=ON_POLICY,
        network=network,
        algorithm=algorithm,
        optimizer=OptimizerConfig(lr=5e-4),
        training=TrainingConfig(max_env_steps=40_000_000),
        evaluation=EvaluationConfig(every_env_steps=1_000_000, episodes=100, choice="sampled"),
        checkpoint=CheckpointConfig(every_env_steps=2_000_000),
        logging=LoggingConfig(every_env_steps=200_000),
    )


def for_actor_critics(base: RunConfig, name: str) -> RunConfig:
    """A preset as it is for MAPPO and its family: the same task and judging, and a recipe of the family's own.

    A round is 64 episodes, more where they are short in warehouses, as rewards are rare there; it is looked at in parts
    of 1,000 steps or so, four times, or in warehouses once or twice: new steps teach more than old ones. A training of
    more than a million steps learns from each robot's own rewards, in steps that shrink to a tenth until its end, and a
    greater entropy keeps it looking; of the benchmark papers' long episodes a third of QMIX's steps is enough
    (docs/recipe-on-policy.md). name: of the algorithm
    """
    steps, is_long = base.env.time_limit or 25, base.training.max_env_steps > 1_000_000
    kind = _kind(base.env.key)
    is_rare = kind == "rware"
    lanes = max(64, 24_000 // steps // 64 * 64) if is_long and is_rare else 64
    end = max(base.training.max_env_steps, 500_000) // (3 if steps >= 500 else 1)
    lr, width = 2e-3 if is_rare else 1e-3, max(128 if is_long else 0, base.network.hidden_dim)
    every = max(base.evaluation.every_env_steps, 10 * lanes * steps if is_long else 0)
    recipe = {
        "name": name,
        "gamma": max(base.algorithm.gamma, 0.95),
        "epochs": 4 if not is_rare else 2 if is_long else 1,
        "minibatches": max(4, min(lanes // 4, lanes * steps // 1_500)),
    }
    if is_long:
        entropy = 0.01 if kind == "foraging" else 0.02
        recipe |= {"reward": "own", "lr_finish": lr / 10, "anneal_env_steps": end, "entropy_weight": entropy}
    return base.model_copy(
        update={
            "collection": CollectionConfig(num_envs=lanes),
            "exploration": ON_POLICY,
            "algorithm": SECTIONS[name].model_validate(recipe),
            "network": base.network.model_copy(update={"hidden_dim": width}),
            "replay": ReplayConfig(),
            "optimizer": OptimizerConfig(lr=lr, grad_norm_clip=1.0 if is_long else 10.0),
            "evaluation": base.evaluation.model_copy(update={"every_env_steps": every}),
            "training": base.training.model_copy(
                update={
                    "max_env_steps": end,
                    "updates_per_collection": 1,
                    "learn_while_playing": False,
                    "learner_share": 1.0,
                }
            ),
        }
    )


def preset(name: str, algorithm: str | None = None, key: str | None = None) -> RunConfig:
    """A preset, as it is for the family of an algorithm and for the world of a key, where they are named.

    Its floor, its time limit and its onsets are those of its own kind of world; any other brings its own.
    """
    base = PRESETS[name]()
    if isinstance(key, str) and _kind(key) != _kind(base.env.key):
        base = base.model_copy(update={"env": EnvConfig(key=base.env.key)})
    known, has = SECTIONS.get(algorithm or ""), type(base.algorithm)
    for family, recipe in ((ActorCriticConfig, for_actor_critics), (PQNConfig, for_pqn), (QTRANConfig, for_qtran)):
        if known is not None and issubclass(known, family) and not issubclass(has, family):
            return recipe(base, algorithm or "")
    return base


def _kind(key: str) -> str:
    """What keys of one kind of world begin with: `rware` of rware:rware-tiny-2ag-v2."""
    return key.rpartition(":")[2].partition("-")[0].lower()


PRESETS: Mapping[str, Callable[[], RunConfig]] = {
    "smoke": smoke,
    "solve": solve,
    "master": master,
    "master-500": master_500,
    "report-default": report_default,
    "report-changed": report_changed,
    "report-final": report_final,
    "report-week1": report_week1,
    "foraging": foraging,
    "paper-mappo": paper_mappo,
    "paper-ippo": paper_ippo,
    "paper-maa2c": paper_maa2c,
    "paper-ia2c": paper_ia2c,
}


USUAL_END = {"solve": (13_000_000, 15_000_000)}
"""Env steps between which presets that stop by themselves have stopped so far (docs/results.md)."""


def summary(name: str) -> str:
    """The preset's one-line description."""
    return (PRESETS[name].__doc__ or "").partition("\n")[0]
