"""Words of a search, and what they let be chosen."""

import pytest

from lockstep.errors import UserError
from lockstep.sweeps.search.space import Dimension, Range, read_space


def dimension(*words: str) -> Dimension:
    return read_space("smoke", words).dimensions[-1]


def test_a_range_goes_between_its_ends_by_its_logarithm_or_in_steps() -> None:
    assert dimension("lr=1e-4..3e-3:log").values == Range(1e-4, 3e-3, log=True)
    assert dimension("gamma=0.97..0.995").values == Range(0.97, 0.995)
    assert dimension("batch_size=64..256:64").values == Range(64, 256, 64, whole=True)
    assert dimension("epsilon_anneal_time=1e4..1e6:log").values == Range(1e4, 1e6, log=True, whole=True)
    assert dimension("gamma=0..1").values == Range(0, 1)


def test_a_list_is_a_choice_and_one_value_is_for_all() -> None:
    space = read_space("smoke", ["algorithm=qmix,vdn", "remember_onset=[2,3],[]", "t_max=1e6"])
    assert [one.values for one in space.dimensions] == [("qmix", "vdn"), ("[2,3]", "[]")]
    assert space.fixed == ("t_max=1e6",)


def test_a_condition_lets_a_setting_be_chosen_only_there() -> None:
    space = read_space("smoke", ["algorithm=qmix,vdn", "mixing_embed_dim=8..32@algorithm=qmix", "lr=1e-4..1e-3"])
    names = [[one.key for one in space.active({"algorithm": name})] for name in ("qmix", "vdn")]
    assert names == [["algorithm", "mixing_embed_dim", "lr"], ["algorithm", "lr"]]
    assert space.holds({"algorithm": "vdn", "lr": 5e-4})
    assert not space.holds({"algorithm": "vdn", "lr": 5e-4, "mixing_embed_dim": 16})
    assert not space.holds({"algorithm": "qmix", "lr": 5e-4})
    assert not space.holds({"algorithm": "vdn", "lr": 5e-2})


def test_numbers_have_few_digits_and_stay_between_their_ends() -> None:
    assert Range(1e-4, 1.23456e-3, log=True).at(1.0) == 1.23456e-3
    assert Range(0.1, 0.5, 0.1).nearest(0.3000001) == 0.3
    assert Range(1, 100, log=True, whole=True).at(0.5) == 10
    assert Range(0.97, 0.995).nearest(0.9812345) == 0.9812


def test_a_grid_has_every_combination_once_and_none_of_what_was_not_chosen() -> None:
    space = read_space("smoke", ["algorithm=qmix,vdn", "mixing_embed_dim=8,16@algorithm=qmix", "batch_size=32..96:32"])
    found = list(space.combinations())
    assert len(found) == 2 * 3 + 3
    assert found[0] == {"algorithm": "qmix", "mixing_embed_dim": "8", "batch_size": 32}
    assert found[-1] == {"algorithm": "vdn", "batch_size": 96}
    with pytest.raises(UserError, match=r"lr has as many as one likes .* as in lr=0.0001,0.001,0.01"):
        read_space("smoke", ["lr=1e-4..1e-2:log"]).combinations()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "nothing to search"),
        (["lr=1e-3"], "nothing to search"),
        (["lr"], "'lr' is no override"),
        (["rl=1e-4..1e-3"], "no setting 'rl'"),
        (["lr=1e-3..1e-4"], "is empty: a range rises"),
        (["lr=nan..inf"], "is empty: a range rises"),
        (["lr=0..1e-2:log"], "begins above 0"),
        (["lr=1e-4..1e-2:lag"], "is no range"),
        (["lr=1e-4..1e-2:1"], "goes in steps of 1"),
        (["lr=-1..1"], "optimizer.lr=-1 must be greater than 0"),
        (["batch_size=1.5..8"], "must be a whole number"),
        (["batch_size=1..8:0.5"], "goes in steps of 0.5"),
        (["seed=1..3"], "--seeds says how many"),
        (["lr=1e-4..1e-3", "lr=1e-4..1e-3"], "given twice"),
        (["algorithm=qmix,qmix"], "is there twice"),
        (["algorithm=qmix,vdm"], "vdm"),
        (["mixing_embed_dim=8..32@algorithm=qmix"], "hangs on a choice of algorithm that is not there"),
        (["algorithm=qmix,vdn", "mixing_embed_dim=8..32@algorithm=iql"], "list with iql in it"),
    ],
)
def test_bad_words_are_a_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        read_space("smoke", words)
    assert sentence in str(error.value)
