"""What a team does in its greedy episodes, counted: the plain facts behind a return."""

from lockstep.experience.episodes import EpisodeBatch


def behavior(episodes: EpisodeBatch) -> dict[str, float]:
    """What can be counted in any world, by the names of `lockstep.runs.metrics`."""
    filled = episodes.filled  # (B, T, 1)
    steps = filled.sum()
    actions = episodes.actions
    counts = actions[filled.expand_as(actions)].bincount()
    still = (episodes.obs[:, 1:] == episodes.obs[:, :-1]).all(-1) & filled  # (B, T, N)
    row = {
        "test_rewarding_share": (episodes.returns() > 0).double().mean(),
        "test_action_share_max": counts.max() / counts.sum(),
        "test_still_share_max": (still.sum((0, 1)) / steps).max(),
    }
    if actions.shape[-1] > 1:
        alike = (actions == actions[..., :1]).all(-1, keepdim=True) & filled
        row["test_same_action_share"] = alike.sum() / steps
    return {name: value.item() for name, value in row.items()}
