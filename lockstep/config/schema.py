"""Every knob of a run, documented once, here, with its unit and its effect.

The models are frozen: a run never changes its configuration. `env_steps` counts the steps of one environment, summed
over the parallel environments, not times agents. Defaults are EPyMARL's for QMIX where EPyMARL has the knob.
"""

from math import isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

AlgorithmName = Literal["iql", "vdn", "qmix"]
Count = Annotated[int, Field(ge=1, le=10**15)]
CountOrZero = Annotated[int, Field(ge=0, le=10**15)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class Section(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )


def _plain(name: str, value: Any) -> Any:
    """What can be written down as TOML and read again. Raises ValueError for anything else."""
    if isinstance(value, list | tuple):
        return [_plain(name, inner) for inner in value]
    if isinstance(value, dict):
        return {key: _plain(name, inner) for key, inner in value.items()}
    if isinstance(value, bool | int | str) or (isinstance(value, float) and isfinite(value)):
        return value
    raise ValueError(f"env.arguments.{name} holds {value!r}, which is no number, text, list or table of them")


class EnvConfig(Section):
    """The task."""

    key: str = "rware-tiny-2ag-v2"
    """Environment key; `lockstep envs` lists those known."""
    time_limit: Count | None = None
    """Steps after which an episode is cut; unset: the environment's own limit (500 in RWARE)."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of the environment's constructor, by the names of its own package: numbers, texts, lists and
    tables; None: as if not given."""
    state: Literal["joined", "own"] = "joined"
    """What the mixer sees. joined: all agents' observations side by side. own: the state that the environment itself
    tells, in state(), get_state(), its infos or beside its observations."""
    team: tuple[str, ...] = ()
    """The agents that learn, by name, number from 0, or pattern, as adversary*; empty: all. Only their rewards
    count."""
    others: str = "random"
    """With env.team: who plays the other agents. random, or the folder of a run that was trained as them."""
    remember_onset: tuple[CountOrZero, ...] = ()
    """Flags of the observation (by index) with a memory: while one is on, an agent goes on seeing its own numbers, such
    as x and y, as they were when it came on. RWARE's 2 is carrying_shelf: where the carried shelf was taken."""
    workers: CountOrZero = 0
    """Environments of other people: processes that play the lanes; 0: the learner's own process does. One that dies or
    hangs is started anew, and its unfinished episodes are dropped and counted (dropped_episodes)."""
    worker_timeout_seconds: Annotated[float, Field(gt=0.0, le=86_400.0)] = 60.0
    """How long such a process may take for one step of its lanes before it counts as hanging; at most a day."""

    @field_validator("arguments")
    @classmethod
    def _only_given(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        """TOML has no word for nothing."""
        return {name: _plain(name, value) for name, value in arguments.items() if value is not None}

    @field_validator("team", mode="before")
    @classmethod
    def _split(cls, team: Any) -> Any:
        """One word, or several with commas."""
        if isinstance(team, str | int) and not isinstance(team, bool):
            return tuple(str(team).replace(",", " ").split())
        return tuple(map(str, team)) if isinstance(team, list | tuple) else team


class CollectionConfig(Section):
    """How experience is gathered."""

    num_envs: Count = 1
    """Environments stepped side by side; one collection is one episode of each."""
    warmup_env_steps: CountOrZero = 0
    """Uniformly random play before the first update. Counted in env_steps."""


class ExplorationConfig(Section):
    """How training episodes leave the greedy path."""

    epsilon_start: Fraction = 1.0
    """Chance of a random action at env step 0."""
    epsilon_finish: Fraction = 0.05
    """Chance of a random action once annealing is over."""
    epsilon_anneal_env_steps: CountOrZero = 50_000
    """Env steps from epsilon_start to epsilon_finish."""
    epsilon_schedule: Literal["linear", "exponential"] = "linear"
    """Shape of the way from start to finish."""
    epsilon_ladder: Annotated[float, Field(ge=0.0)] = 0.0
    """Spread over the environments: number i of n explores with epsilon ** (1 + ladder * i / (n - 1)). 0: all alike.
    (Horgan et al. 2018, Ape-X, uses 7.)"""
    repeat_max_steps: Count = 1
    """Longest run of one exploratory action, in steps. A run lasts k steps with a chance of about 1 / k^2
    (Dabney et al. 2021, epsilon-z-greedy); 1: every step draws anew."""
    repeat_actions: tuple[CountOrZero, ...] = ()
    """Actions that an exploratory run may consist of; empty: all. Used when repeat_max_steps > 1."""


class NetworkConfig(Section):
    """The agents' shared network and the mixer's sizes."""

    recurrent: bool = True
    """True: a GRU between two linear layers. False: a third linear layer in its place (EPyMARL's use_rnn=False)."""
    hidden_dim: Count = 64
    """Width of the agents' hidden layers."""
    agent_id: bool = True
    """Append a one-hot agent number to the observation, so that shared parameters can play different roles."""
    last_action: bool = False
    """Append the agent's previous action as a one-hot."""
    mixing_embed_dim: Count = 32
    """QMIX: width of the mixer's hidden layer."""
    hypernet_layers: Literal[1, 2] = 2
    """QMIX: layers of the networks that turn the state into mixing weights."""
    hypernet_embed_dim: Count = 64
    """QMIX: their hidden width when there are two."""


class AlgorithmConfig(Section):
    """What is learnt, and towards which target."""

    name: AlgorithmName = "qmix"
    """iql: every agent for itself. vdn: the team value is a sum. qmix: a monotonic function of the agents' values."""
    gamma: Fraction = 0.99
    """Discount per step."""
    td_lambda: Fraction = 0.0
    """Weight of longer returns in Peng's Q(lambda) target; 0 is one-step TD."""
    n_step: Count = 1
    """Steps of reward before the bootstrap; more than 1 excludes td_lambda."""
    double_q: bool = True
    """The online network chooses the next action, the target network values it."""
    bootstrap_time_limit: bool = True
    """True: an episode cut by its time limit still has a future. False: it counts as ended (EPyMARL's reading)."""
    standardize_rewards: bool = False
    """Shift and scale rewards by the running mean and deviation of all sampled batches (EPyMARL's default is True)."""
    target_sync_updates: CountOrZero = 200
    """Copy online to target networks every this many gradient updates; 0 with target_tau > 0."""
    target_tau: Fraction = 0.0
    """Move the target networks this share of the way after every update; 0: copy by target_sync_updates."""
    actor_tau: Fraction = 0.0
    """Play and evaluate with an average of the agents' parameters that moves this share of the way after every update
    (Polyak and Juditsky 1992); 0: play with the newest. Averaging settles choices between nearly equal values."""

    @model_validator(mode="after")
    def _one_target_rule(self) -> Self:
        if (self.target_sync_updates > 0) == (self.target_tau > 0):
            raise ValueError(
                f"target_sync_updates={self.target_sync_updates} and target_tau={self.target_tau}: exactly one of them "
                "must be above 0; set the other to 0"
            )
        if self.n_step > 1 and self.td_lambda > 0:
            raise ValueError(
                f"n_step={self.n_step} and td_lambda={self.td_lambda} are rival targets; set n_step=1 or td_lambda=0"
            )
        return self


class ReplayConfig(Section):
    """What is remembered, and what of it is studied."""

    buffer_size: Count = 5_000
    """Episodes kept; the oldest leave first."""
    batch_size: Count = 32
    """Episodes, or pieces of them, in one update."""
    segment_steps: CountOrZero = 0
    """Study random pieces of this many steps instead of whole episodes; 0: whole. More examples, less alike, for the
    same arithmetic. A recurrent network starts each piece with an empty memory."""
    rewarding_fraction: Fraction = 0.0
    """Share of every batch drawn from a second memory that holds only episodes with a positive return."""
    rewarding_buffer_size: Count = 4_096
    """Episodes kept in that second memory."""

    @model_validator(mode="after")
    def _a_batch_comes_together(self) -> Self:
        if self.buffer_size < self.batch_size:
            raise ValueError(
                f"buffer_size={self.buffer_size} episodes never hold a batch_size={self.batch_size} to learn from; "
                "make one of them larger or the other smaller"
            )
        return self


class OptimizerConfig(Section):
    """Adam (Kingma and Ba 2015)."""

    lr: Positive = 5e-4
    """Learning rate."""
    eps: Positive = 1e-8
    """Adam's denominator offset."""
    grad_norm_clip: Positive = 10.0
    """Largest norm of the gradient of agent and mixer together."""


class TrainingConfig(Section):
    """How long, how often, where."""

    max_env_steps: Count = 2_050_000
    """Training ends at this many env steps, warm-up included."""
    updates_per_collection: Count = 1
    """Gradient updates after each collection, once the replay holds a batch."""
    learn_while_playing: bool = False
    """False: play a collection to its end, then learn, with it too. True: learn from what is remembered while the
    collection is being played, a few steps after every update; so a learner with helpers never waits for it."""
    stop_at_test_return: float | None = None
    """Stop as soon as a greedy evaluation's mean return exceeds this, and evaluation.confirm_episodes new ones agree;
    unset: run to max_env_steps."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the networks and the replay live."""
    num_threads: CountOrZero = 0
    """Most CPU cores of the learner, each working on its share of every batch (16 episodes or pieces at least); 0: all
    that this process may use. Results repeat to the last bit for equal numbers of shares."""
    learner_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """With helpers: how much of a batch the learner works on itself, compared with each of them. Below 1 it has time to
    play and to draw the next batch while they are still at work. Results repeat to the last bit for equal numbers."""


class EvaluationConfig(Section):
    """Greedy episodes on seeds of their own."""

    every_env_steps: Count = 50_000
    """Env steps of training between two evaluations."""
    episodes: Count = 100
    """Episodes in one evaluation, all of them counted."""
    confirm_episodes: Count = 1_000
    """New episodes whose mean must exceed stop_at_test_return too: of many evaluations, one is lucky."""
    epsilon: Fraction = 0.0
    """Chance of a random action; 0 is greedy."""


class CheckpointConfig(Section):
    """What survives a crash."""

    every_env_steps: Count = 500_000
    """Env steps between two checkpoints; one is always written at the end and on interruption."""
    keep: Count = 2
    """Newest checkpoints kept, besides the best by test return."""
    save_replay: bool = True
    """Include the replay, so that a resumed run continues bit for bit."""


class LoggingConfig(Section):
    """What is written while it runs."""

    every_env_steps: Count = 10_000
    """Env steps between two rows of metrics.jsonl and TensorBoard."""
    tensorboard: bool = True
    """Write TensorBoard events beside metrics.jsonl."""
    loggers: tuple[str, ...] = ()
    """Further loggers: `lines`, or classes of your own, `my_module:MyLogger` (examples/own_logger.py)."""


class RunConfig(Section):
    """One run, whole: what `config.toml` in a run directory holds."""

    seed: Annotated[int, Field(ge=0)] = 1
    """Everything random in the run follows from it."""
    env: EnvConfig = EnvConfig()
    collection: CollectionConfig = CollectionConfig()
    exploration: ExplorationConfig = ExplorationConfig()
    network: NetworkConfig = NetworkConfig()
    algorithm: AlgorithmConfig = AlgorithmConfig()
    replay: ReplayConfig = ReplayConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    logging: LoggingConfig = LoggingConfig()

    @model_validator(mode="after")
    def _pieces_know_their_first_action(self) -> Self:
        if self.replay.segment_steps and self.network.last_action:
            raise ValueError(
                f"segment_steps={self.replay.segment_steps} cuts off the action before each piece, which "
                "last_action=true needs; set one of them to 0 or false"
            )
        return self
