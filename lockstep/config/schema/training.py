"""`[training]`: how long, how often, where."""

import re
from typing import Annotated

from pydantic import Field, field_validator

from lockstep.config.schema.section import ConfigSection, Count, CountOrZero


class TrainingConfig(ConfigSection):
    """How long, how often, where."""

    max_env_steps: Count = 2_050_000
    """Training ends at this many env steps, warm-up included."""
    updates_per_collection: Count = 1
    """Gradient updates after each collection, once the replay holds a batch."""
    learn_while_playing: bool = False
    """False: play a collection to its end, then learn, with it too. True: learn from what is remembered while the
    collection is being played, a few steps after every update; so a learner with helpers never waits for it."""
    max_seconds: Annotated[float, Field(gt=0.0)] | None = None
    """Training also ends, with an evaluation, after so many seconds in its loop, over all resumes; unset: whatever it
    takes. How far a run comes then depends on the machine and on who shares it."""
    stop_at_test_return: float | None = None
    """Stop as soon as an evaluation's mean return exceeds this, and that of evaluation.confirm_episodes new episodes so
    clearly that a judgement of 400 others would deny it with a chance below 1 in 100; unset: run to max_env_steps."""
    init_from: str | None = None
    """Folder of a run whose best team this one begins as: networks of the same shapes take over its parameters, and its
    env steps count as this run's own. Learnt on a small floor, for a large one. Unset: from nothing."""
    device: str = "cpu"
    """Where the networks and the replay live: cpu, cuda, or one of several GPUs, cuda:0, cuda:1, ... as
    CUDA_VISIBLE_DEVICES numbers them."""
    num_threads: CountOrZero = 0
    """Most CPU cores of the learner, each working on its share of every batch (16 episodes or pieces at least); 0: all
    that this process may use. Results repeat to the last bit for equal numbers of shares."""
    learner_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """With helpers: how much of a batch the learner works on itself, compared with each of them. Below 1 it has time to
    play and to draw the next batch while they are still at work. Results repeat to the last bit for equal numbers."""

    @property
    def on_gpu(self) -> bool:
        return self.device != "cpu"

    @field_validator("device")
    @classmethod
    def _is_device(cls, device: str) -> str:
        if not re.fullmatch(r"cpu|cuda(:[0-9]{1,3})?", device):
            raise ValueError(f"training.device={device!r} must be cpu, cuda, or a GPU by its number, as cuda:1")
        return device
