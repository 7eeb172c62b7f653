"""A team as one file does what it does here, step for step."""

import json
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from lockstep import trust
from lockstep.cli import main
from lockstep.config.load import dump_toml, load_config
from lockstep.config.schema import RunConfig
from lockstep.envs.onset_memory import underneath
from lockstep.envs.registry import make_env
from lockstep.errors import UserError
from lockstep.runs.directory import RunDirectory
from lockstep.teams.portable.write import write_team
from lockstep.training.checkpoints.checkpoint import read_team, save_best
from lockstep.training.session import Session

Tensors = dict[str, NDArray[Any]]
Answers = Callable[[Tensors], Tensors]
EXAMPLE = Path(__file__).parents[2] / "examples" / "run_on_robot.py"


def untrained(folder: Path, *words: str, preset: str = "solve") -> RunDirectory:
    """A run with a team as it is before it learns; its steps are as good as any."""
    small = ["t_max=1", "hidden_dim=16", "buffer_size=64", "rewarding_buffer_size=64", "num_envs=2", "test_nepisode=2"]
    config = load_config(preset, ["env.time_limit=30", *small, *words])
    return saved(folder, config)


def saved(folder: Path, config: RunConfig) -> RunDirectory:
    torch.manual_seed(3)
    session, run = Session(config), RunDirectory.create(folder, "team", 1, dump_toml(config))
    save_best(session, run)
    return run


def opened(run: RunDirectory, form: str) -> tuple[Answers, dict[str, str]]:
    """The file as a stranger opens it: a function of named tensors, and what it tells about itself."""
    path = write_team(run, form)
    if form == "onnx":
        session = onnxruntime.InferenceSession(str(path))
        names, answers = ([tensor.name for tensor in part] for part in (session.get_inputs(), session.get_outputs()))

        def answer(inputs: Tensors) -> Tensors:
            told = session.run(answers, {name: inputs[name] for name in names})
            return dict(zip(answers, told, strict=True))

        return answer, session.get_modelmeta().custom_metadata_map
    if form == "torchscript":
        extra = {"about.json": ""}
        with pytest.warns(DeprecationWarning, match="torch.export"):
            brain = torch.jit.load(str(path), _extra_files=extra)  # type: ignore[no-untyped-call]

        def scripted(inputs: Tensors) -> Tensors:
            with torch.inference_mode():
                told = brain({name: torch.from_numpy(array) for name, array in inputs.items()})
            return {name: value.numpy() for name, value in told.items()}

        return scripted, json.loads(extra["about.json"])
    with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as stored:
        arrays = dict(stored)
    about = json.loads(arrays.pop("about").tobytes())
    return lambda inputs: by_hand(arrays, about, inputs), about


def by_hand(arrays: Tensors, about: dict[str, Any], inputs: Tensors) -> Tensors:
    """What `lockstep.teams.portable.brain` describes, in NumPy, from the arrays alone."""
    out: Tensors = {}
    obs, who, states = inputs["obs"], inputs["agent"], json.loads(about["states"])
    group, parts = arrays["group"][who], [obs]

    def dense(x: NDArray[Any], layer: str) -> NDArray[Any]:
        product: NDArray[Any] = np.einsum("ri,rih->rh", x, arrays[layer][group]) + arrays[f"{layer}_bias"][group]
        return product

    def sigmoid(x: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(1 / (1 + np.exp(-x)))

    if "noted" in states:
        on, now = obs[:, arrays["flags"]] > 0, obs[:, None, arrays["numbers"]]
        out["next_noted"] = np.where(inputs["was_on"][..., None] > 0, inputs["noted"], now) * on[..., None]
        out["next_was_on"] = on.astype(np.float32)
        parts.append(out["next_noted"].reshape(len(obs), -1))
    if "last_action" in states:
        parts.append(inputs["last_action"])
    if about["agent_id"]:
        parts.append(np.eye(int(about["agents"]))[who])
    h = np.maximum(dense(np.concatenate(parts, 1), "encode"), 0)
    if "memory" in states:
        r, z, n = np.split(dense(h, "from_input"), 3, 1)
        r_h, z_h, n_h = np.split(dense(inputs["memory"], "from_memory"), 3, 1)
        new = np.tanh(n + sigmoid(r + r_h) * n_h)
        h = out["next_memory"] = new + sigmoid(z + z_h) * (inputs["memory"] - new)
    else:
        h = np.maximum(dense(h, "hidden"), 0)
    out["values"] = dense(h, "values")
    if "available" in inputs:
        out["values"] = np.where(inputs["available"], out["values"], -np.inf)
    out["action"] = out["values"].argmax(1)
    out["next_last_action"] = np.eye(int(about["actions"]), dtype=np.float32)[out["action"]]
    return out


def differences(run: RunDirectory, form: str, episodes: int, lanes: int = 4, seed: int = 11) -> tuple[int, int]:
    """Actions in which the file differs from the team here, and all actions, over whole episodes of all lanes."""
    answer, about = opened(run, form)
    team, config = read_team(run), load_config(str(run.config))
    env, agents, wrong, made = make_env(config.env, lanes, seed), team.spec.num_agents, 0, 0
    seen_alone, rows = underneath(env).spec.obs_dim, lanes * team.spec.num_agents
    for first in range(seed, seed + episodes, lanes):
        obs, memory, last = env.reset(first), None, np.full((lanes, agents), -1)
        state = {name: np.zeros((rows, *shape), np.float32) for name, shape in json.loads(about["states"]).items()}
        running = np.ones(lanes, dtype=bool)
        while running.any():
            available = env.available_actions()
            inputs: Tensors = {
                "obs": obs[..., :seen_alone].reshape(rows, -1),
                "agent": np.tile(np.arange(agents), lanes),
            }
            if available is not None:
                inputs["available"] = available.reshape(rows, -1)
            told = answer({**inputs, **state})
            state = {name: told[f"next_{name}"].astype(np.float32) for name in state}
            actions, memory = team.policy.act(obs, available, last, memory)
            wrong += int(((told["action"].reshape(lanes, agents) != actions) & running[:, None]).sum())
            made += int(running.sum()) * agents
            step = env.step(actions, running)
            obs, last = step.obs, actions
            running = running & ~(step.terminated | step.truncated)
    return wrong, made


SHAPES = (
    (),
    ("recurrent=true", "obs_last_action=true", "segment_steps=0"),
    ("obs_agent_id=false", "env.remember_onset=[]"),
    ("recurrent=true", "network.sharing=[[1],[0]]", "env.remember_onset=[2,7]"),
    ("network.sharing=none", "obs_agent_id=false", "obs_last_action=true", "segment_steps=0"),
)


@pytest.mark.parametrize("form", ["onnx", "torchscript", "npz"])
@pytest.mark.parametrize("words", SHAPES, ids=lambda words: " ".join(words) or "solve")
def test_every_shape_of_team_acts_alike_in_every_form(form: str, words: tuple[str, ...], tmp_path: Path) -> None:
    wrong, made = differences(untrained(tmp_path / "run", *words), form, episodes=8)
    assert (wrong, made) == (0, 8 * 30 * 2)


@pytest.mark.parametrize("form", ["onnx", "torchscript", "npz"])
def test_actions_that_are_not_available_are_not_chosen(form: str, tmp_path: Path) -> None:
    words = ["env.key=tests.envs.foreign.strangers:RllibLike", "env.remember_onset=[]"]
    run = untrained(tmp_path / "run", *words)
    trust.allow(run.path)
    wrong, made = differences(run, form, episodes=8)
    assert wrong == 0
    assert made > 0


def test_a_file_tells_what_it_needs_and_what_its_numbers_mean(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "recurrent=true", "obs_last_action=true", "segment_steps=0")
    for form in ("onnx", "torchscript", "npz"):
        _, about = opened(run, form)
        features = json.loads(about["features"])
        assert (len(features), features[2], about["world"]) == (71, "carrying_shelf", "rware:rware-tiny-2ag-v2")
        states = json.loads(about["states"])
        assert states == {"memory": [16], "last_action": [5], "was_on": [1], "noted": [1, 2]}
    session = onnxruntime.InferenceSession(str(run.path / "team.onnx"))
    assert [tensor.name for tensor in session.get_inputs()] == ["obs", "agent", *states]
    assert [tensor.name for tensor in session.get_outputs()] == [
        "action",
        "values",
        *(f"next_{name}" for name in states),
    ]


def test_one_robot_alone_is_one_row(tmp_path: Path) -> None:
    answer, _ = opened(untrained(tmp_path / "run"), "onnx")
    rng = np.random.default_rng(1)
    rows: Tensors = {
        "obs": rng.integers(0, 2, (2, 71)).astype(np.float32),
        "agent": np.arange(2),
        "was_on": np.zeros((2, 1), np.float32),
        "noted": np.zeros((2, 1, 2), np.float32),
    }
    both = answer(rows)
    for robot in range(2):
        alone = answer({name: array[robot : robot + 1] for name, array in rows.items()})
        np.testing.assert_allclose(alone["values"][0], both["values"][robot], atol=1e-6)


def test_the_example_earns_on_a_robot_what_the_team_earns_here(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", preset="smoke")
    out = tmp_path / "team.onnx"
    assert main(["export", str(run.path), "--format", "onnx", "--out", str(out)]) == 0
    env, team = make_env(load_config(str(run.config)).env, 1, 7), read_team(run)
    obs, memory, last, earned, ended = env.reset(7), None, np.full((1, 2), -1), 0.0, False
    while not ended:
        last, memory = team.policy.act(obs, None, last, memory)
        step = env.step(last)
        obs, earned, ended = step.obs, earned + float(step.reward.sum()), bool(step.terminated[0] | step.truncated[0])
    program = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0])\n"
    program += "print(sorted(name for name in sys.modules if name in ('lockstep', 'torch')))"
    told = subprocess.run(
        [sys.executable, "-c", program, str(EXAMPLE), str(out), "7"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert told == [f"{earned:g} shelves", "[]"]
    lines = EXAMPLE.read_text().splitlines()
    assert len(lines) <= 36


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("words", [(), ("recurrent=true", "segment_steps=0")], ids=["feed-forward", "recurrent"])
def test_a_trained_team_does_the_same_in_a_thousand_episodes(words: tuple[str, ...], tmp_path: Path) -> None:
    assert main(["train", "smoke", "--no-doctor", "-q", "--out", str(tmp_path / "run"), *words]) == 0
    run = RunDirectory.open(tmp_path / "run")
    for form in ("onnx", "torchscript"):
        assert differences(run, form, episodes=1_000, lanes=250) == (0, 1_000 * 40 * 2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--format", "onnx", "--out", "team.pt"], "must end in .onnx"),
        (["--format", "tflite"], "or onnx, torchscript, npz or epymarl for the team"),
        (["--format", "npz", "--checkpoint", "soon"], "write best, latest, or a number"),
    ],
)
def test_what_cannot_be_written_is_a_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = untrained(tmp_path / "run", preset="smoke")
    before = sorted(run.path.rglob("*"))
    assert main(["export", str(run.path), *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert sorted(run.path.rglob("*")) == before


def test_several_teams_are_several_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(untrained(tmp_path / name, preset="smoke").path) for name in ("one", "two")]
    assert main(["export", *runs, "--format", "npz", "--out", str(tmp_path / "team.npz")]) == 2
    assert "is one file, and 2 runs have a team each" in capsys.readouterr().err
    assert main(["export", *runs, "--format", "npz"]) == 0
    assert all((Path(run) / "team.npz").is_file() for run in runs)


def test_a_team_of_another_world_is_not_written(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run")
    run.config.write_text(run.config.read_text().replace("rware-tiny-2ag", "rware-tiny-4ag"))
    with pytest.raises(UserError, match="was trained in another world"):
        write_team(run, "npz")
