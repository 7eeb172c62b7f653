"""What is typed or written in a file becomes cells, or one sentence."""

from pathlib import Path

import pytest
import tomli_w

from lockstep import trust
from lockstep.config.knobs import flat
from lockstep.errors import UserError
from lockstep.sweeps.choices import MAX_CELLS, Choice, typed_choices
from lockstep.sweeps.request import SweepRequest, read_request


def values(request: SweepRequest, *paths: str) -> list[tuple[object, ...]]:
    return [tuple(flat(config)[path] for path in paths) for _, config in request.configurations()]


def written(folder: Path, text: str) -> SweepRequest:
    (folder / "mine.toml").write_text(text)
    return read_request(str(folder / "mine.toml"))


def test_words_make_every_combination_in_the_order_in_which_they_are_typed() -> None:
    request = read_request("smoke", ["seed=1..2", "algorithm=qmix,vdn", "lr=1e-3"])
    assert values(request, "seed", "algorithm.name", "optimizer.lr") == [
        *((1, "qmix", 1e-3), (1, "vdn", 1e-3), (2, "qmix", 1e-3), (2, "vdn", 1e-3))
    ]
    assert [name for name, _ in request.configurations()] == ["smoke"] * 4


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("seed=1..4", ("1", "2", "3", "4")),
        ("batch_size=64..256:64", ("64", "128", "192", "256")),
        ("seed=1..2,7,9..10", ("1", "2", "7", "9", "10")),
        ("remember_onset=[2,3],[]", ("[2,3]", "[]")),
        ('env.arguments={"layout": ".,.", "a": [1, 2]}', ('{"layout": ".,.", "a": [1, 2]}',)),
        ("env.key=a.b..c", ("a.b..c",)),
        ("--lr= 0.1 , 0.2", ("0.1", "0.2")),
        ("stop_at_test_return=", ("",)),
    ],
)
def test_a_value_may_be_many(word: str, expected: tuple[str, ...]) -> None:
    assert typed_choices(["with", word])[0].values == expected


FILE = """
base = "smoke"
words = ["t_max=1000"]
[grid]
seed = "1..2"
env.time_limit = [40, 50]
[zip]
lr = [1e-3, 5e-4]
batch_size = [64, 128]
[[exclude]]
env.time_limit = 50
seed = [2, 3]
"""


def test_a_file_has_grids_ranges_columns_and_exclusions(tmp_path: Path) -> None:
    request = written(tmp_path, FILE)
    paths = ("optimizer.lr", "replay.batch_size", "seed", "env.time_limit")
    kept = [(1, 40), (1, 50), (2, 40)]
    assert values(request, *paths) == [(*line, *cell) for line in ((1e-3, 64), (5e-4, 128)) for cell in kept]
    assert {config.training.max_env_steps for _, config in request.configurations()} == {1000}


def test_every_row_may_have_a_base_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("seed = 9\n")
    request = written(
        tmp_path, '[[rows]]\nbase = "smoke"\ngamma = 0.5\n[[rows]]\nbase = "other.toml"\nwords = ["lr=0.1"]\n'
    )
    assert [name for name, _ in request.configurations()] == ["smoke", "other"]
    assert values(request, "algorithm.gamma", "optimizer.lr", "seed") == [(0.5, 2e-3, 1), (0.99, 0.1, 9)]


def test_what_is_typed_behind_a_file_counts_instead(tmp_path: Path) -> None:
    written(tmp_path, FILE)
    request = read_request(str(tmp_path / "mine.toml"), ["seed=5", "lr=0.5"])
    assert values(request, "seed", "optimizer.lr") == [(5, 0.5)] * 4


def test_a_request_survives_its_own_file(tmp_path: Path) -> None:
    typed = read_request("smoke", ["seed=1..2", "remember_onset=[2,3],[]", "lr=1e-3"])
    both = [typed, written(tmp_path, FILE), SweepRequest("two", (*typed.rows, *typed.rows), typed.grid)]
    for request in both:
        (tmp_path / "again.toml").write_text(tomli_w.dumps(request.toml()))
        assert read_request(str(tmp_path / "again.toml")).configurations() == request.configurations()


def test_a_cell_is_never_there_twice() -> None:
    assert values(read_request("smoke", ["seed=1,1,2,1..2"]), "seed") == [(1,), (2,)]


def test_a_preset_alone_is_one_cell_and_a_configuration_is_a_base(tmp_path: Path) -> None:
    (tmp_path / "plain.toml").write_text("seed = 4\n")
    assert values(read_request("smoke"), "seed") == [(1,)]
    assert values(read_request(str(tmp_path / "plain.toml"), ["lr=0.1,0.2"]), "seed", "optimizer.lr") == [
        (4, 0.1),
        (4, 0.2),
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sed=1..5"], "There is no setting 'sed'. Did you mean 'seed'"),
        (["algorithm=qmix,vnd"], "algorithm.*vnd"),
        (["seed=5..1"], "seed=5..1 is empty: a range counts upwards, as in seed=1..5"),
        (["seed=1..10_000_000"], f"10,000,000 cells, and at most {MAX_CELLS:,} are planned"),
        (["seed=1..1000", "lr=1,2,3,4,5,6,7,8,9,10", "gamma=0.1,0.2"], "would have 20,000 cells"),
        (["gamma=0.9..0.99"], "no range of whole numbers; write its values one by one, as in gamma=0.9,0.99"),
        (["seed=1..9:0"], "in steps of 0; a step is at least 1"),
        (["seed=1,,2"], "has an empty value between two commas"),
        (["seed=1", "seed=2"], "seed is given twice"),
        (["seed"], "'seed' is no override: write key=value"),
        (["seed=-1..2"], "seed=-1 must be at least 0"),
    ],
)
def test_what_cannot_be_is_a_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_request("smoke", words).configurations()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[grid]\nseed = [1, 2]", "does not say what to start from"),
        (
            'base = "smoke"\n[gird]\nseed = 1',
            "'gird' is no part of one: it has base, name, words, grid",
        ),
        ('base = "smok"', "Did you mean 'smoke'"),
        ('base = "smoke"\n[zip]\nlr = [1, 2]\ngamma = [0.9]', "equally long; lr has 2, gamma has 1"),
        ('base = "smoke"\n[[exclude]]\nseed = 7', "seed=7 leaves out nothing"),
        ('base = "smoke"\n[[exclude]]\nseed = 1', "Every cell of this sweep is excluded"),
        ('base = "smoke"\n[grid]\nseed = []', "seed has no value in its list"),
        ('base = "smoke"\ngrid = 3', "grid is a table of settings, written below \\[grid\\]"),
        ('base = "smoke"\n[rows]\nlr = 3', "written below \\[\\[rows\\]\\]"),
        ('base = "smoke"\nwords = "lr=1"', "words is a list of overrides"),
        ('base = "smoke"\n[grid]\nlr = ["high"]', "optimizer.lr='high'"),
        ("grid = [", "is not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        written(tmp_path, text).configurations()


def test_what_a_file_names_is_not_what_a_user_typed(tmp_path: Path) -> None:
    request = written(tmp_path, 'base = "smoke"\n[grid]\nenv.key = ["their_module:world"]\n')
    request.configurations()
    with pytest.raises(UserError, match="code that somebody else chose"):
        trust.check(trust.Code("their_module:world", {"layout": "."}, "their_module"))


def test_a_choice_reads_as_it_is_typed() -> None:
    assert Choice("lr", ("1e-3", "2e-3")).words == ("lr=1e-3", "lr=2e-3")
