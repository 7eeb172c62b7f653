"""`lockstep render` and `lockstep demo` as a person uses them."""

import json
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from lockstep.cli import main
from lockstep.config.presets import SMOKE_LAYOUT
from tests.cli.test_cli import TINY_RUN, here, refused

__all__ = ["here"]
RANDOM = ["render", "--policy", "random", "--env", "rware-tiny-2ag-v2", "--time-limit", "6"]


def test_a_world_without_a_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RANDOM, "--episodes", "2", "--out", "a.gif"]) == 0
    assert capsys.readouterr().out == "a.gif: 2 episodes of random team, return 0\n"
    with Image.open(here / "a.gif") as film:
        assert sum(1 for _ in ImageSequence.Iterator(film)) == 14


def test_a_smoke_run_becomes_a_page_with_its_values(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["t_max=1280", "warmup_env_steps=0", "env_args.max_steps=None", "test_interval=1280", "test_nepisode=8"]
    assert (
        main(["train", "smoke", "num_envs=8", "batch_size=8", *words[:2], *words[3:], "-q", "--out", "runs/one"]) == 0
    )
    assert main(["render", "one", "--out", "a.html", "--theme", "dark"]) == 0
    page = (here / "a.html").read_text()
    assert '"values":[[' in page
    assert '"weights":[' in page
    assert main(["render", "one", "--policy", "heuristic", "--engine", "official", "--out", "frames"]) == 0
    assert len(list((here / "frames").iterdir())) == 41
    assert "return" in capsys.readouterr().out


def test_a_programmed_team_plays_an_own_floor_without_a_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("floor.txt").write_text(SMOKE_LAYOUT.strip())
    world = ["--env", "rware-tiny-2ag-v2", "layout=@floor.txt", "env.time_limit=12", "--policy", "heuristic"]
    assert main(["render", *world, "--out", "frames"]) == 0
    assert len(list((here / "frames").iterdir())) == 13
    capsys.readouterr()
    assert main(["evaluate", *world, "--episodes", "3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["policy"], told["episodes"], told["test_ep_length_mean"]) == ("heuristic", 3, 12.0)
    assert "its own settings" in refused(["evaluate", "latest", "layout=@floor.txt"], capsys)
    assert "Name a run, or a world" in refused(["evaluate", "layout=@floor.txt", "--policy", "random"], capsys)
    assert "Name a run, or a world" in refused(["evaluate", "--env", "rware-tiny-2ag-v2"], capsys)


def test_a_world_that_cannot_be_drawn_says_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "smoke", "with", *TINY_RUN, "-q", "--out", "runs/coin"]) == 0
    assert "cannot be drawn" in refused(["render", "coin"], capsys)
    assert [path.name for path in here.iterdir()] == ["runs"]


def test_the_demo_is_a_page_in_a_folder_of_its_own(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--no-browser", "--seed", "1"]) == 0
    page = Path(capsys.readouterr().out.strip())
    assert page.name == "demo.html"
    assert "LockstepPlayer" in page.read_text()
    page.unlink()
    page.parent.rmdir()


def test_the_demo_knows_the_word_that_it_had_before(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--no-open"]) == 0
    assert capsys.readouterr().out.strip().endswith("demo.html")


def test_the_demo_plays_as_text(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--terminal"]) == 0
    assert "step 0   return 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["render"], "Name a run, or a world"),
        (["render", "latest", "--env", "rware-tiny-2ag-v2"], "one of the two"),
        (["render", "--env", "rware-tiny-2ag-v2"], "no trained team without a run"),
        (["render", "latest"], "There is no run in runs/ yet"),
        ([*RANDOM, "--out", "a.avi"], "must end in .gif, .mp4 or .html"),
        ([*RANDOM, "--theme", "pink"], "light or dark"),
        ([*RANDOM, "--engine", "warp"], "lockstep or official"),
        ([*RANDOM, "--episodes", "0"], "--episodes"),
        (["render", "--policy", "lucky", "--env", "rware-tiny-2ag-v2"], "trained, random or heuristic"),
        (["render", "--policy", "random", "--env", "rware-huge-2ag-v2"], "rware-huge-2ag-v2"),
        (["render", "--policy", "heuristic", "--env", "probe-coin"], "no heuristic team for"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    arguments: list[str], sentence: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(arguments, capsys)
    assert list(here.iterdir()) == []
