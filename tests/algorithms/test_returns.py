"""Targets, worked by hand."""

import pytest
import torch
from torch import Tensor

from lockstep.algorithms.returns import discounted_return, n_step, rescaled, td_lambda, unscaled


def column(*values: float) -> Tensor:
    return torch.tensor(values).view(1, -1, 1)


def flags(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.bool).view(1, -1, 1)


REWARD = column(1.0, 0.0, 2.0)
NEXT_VALUE = column(10.0, 20.0, 30.0)
NEVER, AT_END = flags(0, 0, 0), flags(0, 0, 1)


def values(target: Tensor) -> list[float]:
    return target.flatten().tolist()


def test_lambda_zero_looks_one_step_ahead() -> None:
    assert values(td_lambda(REWARD, NEXT_VALUE, NEVER, AT_END, 0.5, 0.0)) == pytest.approx([6.0, 10.0, 17.0])


def test_lambda_one_is_the_whole_return_and_the_last_bootstrap() -> None:
    # y2 = 2 + .5*30 = 17, y1 = 0 + .5*17 = 8.5, y0 = 1 + .5*8.5 = 5.25
    assert values(td_lambda(REWARD, NEXT_VALUE, NEVER, AT_END, 0.5, 1.0)) == pytest.approx([5.25, 8.5, 17.0])


def test_lambda_mixes_the_two() -> None:
    # y2 = 17, y1 = .5*(.25*20 + .75*17) = 8.875, y0 = 1 + .5*(.25*10 + .75*8.875) = 5.578125
    assert values(td_lambda(REWARD, NEXT_VALUE, NEVER, AT_END, 0.5, 0.75)) == pytest.approx([5.578125, 8.875, 17.0])


def test_a_terminated_step_has_no_future() -> None:
    assert values(td_lambda(REWARD, NEXT_VALUE, AT_END, AT_END, 0.5, 0.0)) == pytest.approx([6.0, 10.0, 2.0])


def test_an_episode_cut_by_its_time_limit_still_bootstraps() -> None:
    target = td_lambda(column(1.0), column(10.0), ended=flags(0), last=flags(1), gamma=0.9, lam=0.9)
    assert target.item() == pytest.approx(1.0 + 0.9 * 10.0)


def test_nothing_leaks_backward_from_after_the_last_step() -> None:
    # The episode is cut after step 1; step 2 is padding with absurd numbers.
    last = flags(0, 1, 0)
    reward, next_value = column(1.0, 0.0, 1e9), column(10.0, 20.0, 1e9)
    # y1 = .5*20 = 10, y0 = 1 + .5*10 = 6
    assert values(td_lambda(reward, next_value, NEVER, last, 0.5, 1.0))[:2] == pytest.approx([6.0, 10.0])
    assert values(n_step(reward, next_value, NEVER, last, 0.5, 3))[:2] == pytest.approx([6.0, 10.0])


def test_two_steps_of_reward_then_the_value() -> None:
    # y0 = 1 + .5*(0 + .5*20) = 6, y1 = 0 + .5*(2 + .5*30) = 8.5, y2 = 2 + .5*30 = 17
    assert values(n_step(REWARD, NEXT_VALUE, NEVER, AT_END, 0.5, 2)) == pytest.approx([6.0, 8.5, 17.0])


def test_one_step_is_lambda_zero() -> None:
    ended = flags(0, 1, 0)
    assert values(n_step(REWARD, NEXT_VALUE, ended, AT_END, 0.9, 1)) == pytest.approx(
        values(td_lambda(REWARD, NEXT_VALUE, ended, AT_END, 0.9, 0.0))
    )


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 9, 100])
def test_doubling_agrees_with_the_loop_over_time(length: int) -> None:
    generator = torch.Generator().manual_seed(length)
    reward, next_value = torch.randn(2, 4, length, 1, generator=generator)
    ended = torch.rand(4, length, 1, generator=generator) < 0.1
    last = ended.clone()
    last[:, -1] = True

    expected = torch.zeros_like(reward)
    for t in reversed(range(length)):
        lam = torch.where(last[:, t], 0.0, 0.8)
        later = expected[:, t + 1] if t + 1 < length else torch.zeros_like(reward[:, t])
        expected[:, t] = reward[:, t] + 0.97 * ~ended[:, t] * ((1 - lam) * next_value[:, t] + lam * later)
    torch.testing.assert_close(td_lambda(reward, next_value, ended, last, 0.97, 0.8), expected)


def test_n_step_is_cut_to_the_episode() -> None:
    """However many steps are asked for, an episode has no more; a billion would take hours."""
    generator = torch.Generator().manual_seed(0)
    reward, value = (torch.randn(3, 6, 1, generator=generator) for _ in range(2))
    ended, last = torch.zeros(3, 6, 1, dtype=torch.bool), torch.zeros(3, 6, 1, dtype=torch.bool)
    last[:, -1] = True
    whole = n_step(reward, value, ended, last, 0.9, 6)
    assert torch.equal(n_step(reward, value, ended, last, 0.9, 10**9), whole)


def test_rescaled_values_come_closer_and_can_be_undone() -> None:
    # sqrt(8 + 1) - 1 + 8 / 1000 = 2.008, and the same below zero
    assert rescaled(torch.tensor([0.0, 8.0, -8.0])).tolist() == pytest.approx([0.0, 2.008, -2.008])
    x = torch.linspace(-300.0, 300.0, 1001, dtype=torch.float64)
    torch.testing.assert_close(unscaled(rescaled(x)), x)


def test_an_episode_that_was_cut_counts_what_is_believed_of_its_last_state() -> None:
    reward = torch.tensor([[1.0, 2.0, 100.0], [1.0, 2.0, 4.0]]).unsqueeze(-1)
    filled = torch.tensor([[True, True, False], [True, True, True]]).unsqueeze(-1)
    ended = torch.tensor([[False, False, False], [False, False, True]]).unsqueeze(-1)
    believed = torch.tensor([[9.0, 9.0, 8.0, 9.0], [9.0, 9.0, 9.0, 8.0]])
    earned = discounted_return(reward, filled, ended, believed, 0.5)
    assert earned.tolist() == [1 + 1 + 2, 1 + 1 + 1], "the second one ended: nothing is worth anything beyond"
