"""Who chooses: from the trials before and two numbers alone, and better than by chance."""

import math

import pytest

from lockstep.errors import UserError
from lockstep.sweeps.search.samplers import SAMPLERS, Tried, check_sampler, choose
from lockstep.sweeps.search.space import Chosen, SearchSpace, read_space

WORDS = ["lr=1e-4..1e-1:log", "gamma=0.9..0.99", "algorithm=qmix,vdn", "mixing_embed_dim=8..64@algorithm=qmix"]


def worth(chosen: Chosen) -> float:
    """Best at lr=0.01, gamma=0.95 and vdn."""
    distance = abs(math.log10(float(chosen["lr"])) + 2) + 10 * abs(float(chosen["gamma"]) - 0.95)
    return -distance - (chosen["algorithm"] == "qmix")


def chosen_by(sampler: str, space: SearchSpace, trials: int, seed: int = 1) -> list[Tried]:
    before: list[Tried] = []
    for number in range(1, trials + 1):
        chosen = choose(sampler, space, before, number, seed)
        assert chosen is not None
        before.append(Tried(chosen, worth(chosen)))
    return before


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cma", "random"])
def test_the_same_past_leads_to_the_same_choice_inside_the_space(sampler: str) -> None:
    space = read_space("smoke", WORDS)
    before = chosen_by(sampler, space, 14)
    assert all(space.holds(one.chosen) for one in before)
    assert choose(sampler, space, before, 15, 1) == choose(sampler, space, before, 15, 1)
    if sampler != "gp":  # which has one best point, whoever asks
        assert choose(sampler, space, before, 15, 1) != choose(sampler, space, before, 15, 2)
        assert choose(sampler, space, before, 15, 1) != choose(sampler, space, before, 15, 1, attempt=1)


@pytest.mark.parametrize("sampler", ["tpe", "cma"])
def test_what_is_chosen_becomes_better(sampler: str) -> None:
    values = [one.value or 0.0 for one in chosen_by(sampler, read_space("smoke", WORDS), 40)]
    assert sum(values[-10:]) > sum(values[:10])


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cma"])
def test_trials_of_which_nobody_knows_anything_yet_are_no_obstacle(sampler: str) -> None:
    space = read_space("smoke", WORDS)
    before = [
        *chosen_by(sampler, space, 12),
        *(Tried(one.chosen, None) for one in chosen_by("random", space, 2, seed=9)),
    ]
    chosen = choose(sampler, space, before, 15, 1)
    assert chosen is not None
    assert space.holds(chosen)


def test_a_grid_is_gone_through_in_order_and_ends() -> None:
    space = read_space("smoke", ["lr=1e-3,1e-2", "batch_size=32,64"])
    found = [choose("grid", space, [], number, 1) for number in (1, 2, 4, 5)]
    assert found == [
        {"lr": "1e-3", "batch_size": "32"},
        {"lr": "1e-3", "batch_size": "64"},
        {"lr": "1e-2", "batch_size": "64"},
        None,
    ]


def test_a_sampler_that_is_none_or_cannot_is_a_sentence() -> None:
    with pytest.raises(UserError, match="--sampler dice is unknown; it must be tpe, gp, cma, random or grid"):
        check_sampler("dice", read_space("smoke", WORDS))
    with pytest.raises(UserError, match="two ranges at least"):
        check_sampler("cma", read_space("smoke", ["lr=1e-4..1e-2", "algorithm=qmix,vdn"]))
    with pytest.raises(UserError, match="--sampler grid tries every value"):
        check_sampler("grid", read_space("smoke", WORDS))
    for sampler in set(SAMPLERS) - {"grid"}:
        check_sampler(sampler, read_space("smoke", WORDS))
