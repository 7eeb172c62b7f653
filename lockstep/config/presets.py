"""Configurations that are worth a name. The first line of each docstring is what `lockstep presets` prints."""

from collections.abc import Callable, Mapping

from lockstep.config.schema import (
    AlgorithmConfig,
    CheckpointConfig,
    CollectionConfig,
    EnvConfig,
    EvaluationConfig,
    ExplorationConfig,
    LoggingConfig,
    NetworkConfig,
    OptimizerConfig,
    ReplayConfig,
    RunConfig,
    TrainingConfig,
)

TINY_100 = EnvConfig(key="rware-tiny-2ag-v2", time_limit=100)


def report_default() -> RunConfig:
    """The published experiment's first configuration, literally: ends at 0.00.

    Batch 32, buffer 5,000, epsilon 1.0 to 0.05 in 50,000 steps, 2,000,000 steps. Everything not named in the report is
    EPyMARL's default for QMIX; recurrent agents, as the report says.
    """
    return RunConfig(
        env=TINY_100,
        algorithm=AlgorithmConfig(
            name="qmix", gamma=0.99, bootstrap_time_limit=False, standardize_rewards=True, target_sync_updates=200
        ),
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


PRESETS: Mapping[str, Callable[[], RunConfig]] = {
    "report-default": report_default,
    "report-changed": report_changed,
    "report-final": report_final,
}


def summary(name: str) -> str:
    """The preset's one-line description."""
    return (PRESETS[name].__doc__ or "").partition("\n")[0]
