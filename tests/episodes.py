"""Made-up episodes for tests: unequal lengths, unavailable actions, absurd padding."""

import torch

from lockstep.experience.episodes import EpisodeBatch
from lockstep.spec import BYTE_BITS, FLAG_BITS, FLOAT_BITS, EnvSpec

SPEC = EnvSpec("made-up", num_agents=2, obs_dim=5, num_actions=3, time_limit=7, obs_bits=(8, 1, 1, 32, 1))


def random_episodes(spec: EnvSpec, count: int, seed: int = 0, *, some_unavailable: bool = True) -> EpisodeBatch:
    """Episodes that fit `spec`, ended in every way, with noise after their last step."""
    generator = torch.Generator().manual_seed(seed)
    shape = (count, spec.time_limit + 1, spec.num_agents)
    features = {
        FLAG_BITS: torch.randint(2, shape, generator=generator).float(),
        BYTE_BITS: torch.randint(256, shape, generator=generator).float(),
        FLOAT_BITS: torch.randn(shape, generator=generator),
    }
    obs = torch.stack([features[width].roll(index, 0) for index, width in enumerate(spec.obs_bits)], dim=-1)
    lengths = torch.randint(1, spec.time_limit + 1, (count, 1, 1), generator=generator)
    steps = torch.arange(spec.time_limit).view(1, -1, 1)
    at_end = steps == lengths - 1
    terminated = at_end & (torch.rand(count, 1, 1, generator=generator) < 0.5)
    available = torch.rand(*shape, spec.num_actions, generator=generator) < 0.7
    available[..., 0] = True
    return EpisodeBatch(
        obs=obs,
        actions=torch.randint(spec.num_actions, (count, spec.time_limit, spec.num_agents), generator=generator),
        reward=torch.randn(count, spec.time_limit, 1, generator=generator),
        terminated=terminated,
        truncated=at_end & ~terminated,
        filled=steps < lengths,
        available=available if some_unavailable else None,
    )


def in_double(batch: EpisodeBatch) -> EpisodeBatch:
    """The same episodes in float64, where equal means equal."""
    return EpisodeBatch(**{**vars(batch), "obs": batch.obs.double(), "reward": batch.reward.double()})
