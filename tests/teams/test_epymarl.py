"""EPyMARL's teams act here as they do there, and ours can be loaded there."""

import json
import shlex
import shutil
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lockstep.cli import main
from lockstep.config.load import load_config
from lockstep.errors import UserError
from lockstep.networks.mixers import MixingInputs
from lockstep.runs.directory import RunDirectory
from lockstep.runs.reader import RunReader
from lockstep.teams.epymarl import export_checkpoint, import_checkpoint
from lockstep.training.checkpoints.checkpoint import SavedTeam, read_team

CASES = Path(__file__).parent / "epymarl"
"""Checkpoints that EPyMARL saved, what its networks made of some observations, and what sacred wrote."""
KEY = "rware:rware-tiny-2ag-v2"
AGENTS, OBS, ACTIONS = 2, 71, 5


def results(folder: Path, case: str) -> Path:
    """A results folder as EPyMARL leaves it, with this case in it. Returns the token's folder."""
    said = json.loads((CASES / case / "config.json").read_text())
    step = json.loads((CASES / case / "metrics.json").read_text())["return_mean"]["steps"][-1]
    token = folder / "models" / f"{said['name']}_seed{said['seed']}_{KEY}_2026-11-27 06:20:58.056166"
    sacred = folder / "sacred" / said["name"] / KEY / "1"
    for place, names in ((token / str(step), ("agent.th", "mixer.th")), (sacred, ("config.json", "metrics.json"))):
        place.mkdir(parents=True)
        for name in names:
            shutil.copy(CASES / case / name, place)
    return token


def change(token: Path, **words: Any) -> Path:
    """Other words in the token's config.json. Returns the file."""
    (file,) = (token.parents[1] / "sacred").rglob("config.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), **words}))
    return file


class TheirAgent(nn.Module):
    """EPyMARL's agent, written naively, with its names."""

    def __init__(self, inputs: int, hidden: int, *, recurrent: bool) -> None:
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.rnn = nn.GRUCell(hidden, hidden) if recurrent else nn.Linear(hidden, hidden)
        self.fc2 = nn.Linear(hidden, ACTIONS)

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.relu(self.fc1(x))
        h = self.rnn(x, memory) if isinstance(self.rnn, nn.GRUCell) else torch.relu(self.rnn(x))
        return self.fc2(h), h


def values_of(team: SavedTeam, obs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of an episode (steps, agents, features): what every action is worth, and the actions, which are then done."""
    values, actions, memory, acting_memory = [], [], None, None
    last = np.full((1, obs.shape[1]), -1)
    for seen in obs[:, None]:
        q, memory = team.policy.values(seen, last, memory)
        last, acting_memory = team.policy.act(seen, None, last, acting_memory)
        values.append(q.numpy()[0])
        actions.append(last[0])
    return np.array(values), np.array(actions)


@pytest.mark.parametrize("case", ["qmix_ff", "vdn_rnn"])
def test_a_checkpoint_values_and_acts_as_it_does_there(case: str, tmp_path: Path) -> None:
    imported = import_checkpoint(results(tmp_path, case), out=tmp_path / "run")
    team, there = read_team(imported.run), np.load(CASES / case / "expected.npz")
    assert (imported.env_steps, imported.remarks, team.env_steps) == (15_100, (), 15_100)
    values, actions = values_of(team, there["obs"])
    np.testing.assert_allclose(values, there["agent_output"], atol=1e-6)
    assert actions.tolist() == there["agent_output"].argmax(-1).tolist()
    if "q_tot_of_greedy" in there:
        best = torch.from_numpy(there["agent_output"].max(-1))[None]
        inputs = MixingInputs(torch.from_numpy(there["obs"].reshape(1, 12, -1)), torch.zeros(1, 12, 2).long(), best)
        total = team.networks["mixer"](best, inputs)[0, :, 0].detach().numpy()
        np.testing.assert_allclose(total, there["q_tot_of_greedy"], atol=1e-6)


@pytest.mark.parametrize("recurrent", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("agent_id", [True, False])
@pytest.mark.parametrize("last_action", [True, False])
def test_every_shape_of_agent_is_taken(
    recurrent: bool, shared: bool, agent_id: bool, last_action: bool, tmp_path: Path
) -> None:
    token = results(tmp_path, "vdn_rnn")
    words: dict[str, Any] = {"mixer": None, "hidden_dim": 8, "obs_agent_id": agent_id, "obs_last_action": last_action}
    words |= {"use_rnn": recurrent, "mac": "basic_mac" if shared else "non_shared_mac", "seed": 1}
    change(token, **words)
    inputs = OBS + last_action * ACTIONS + agent_id * AGENTS
    nets = [TheirAgent(inputs, 8, recurrent=recurrent) for _ in range(1 if shared else AGENTS)]
    saved = nets[0] if shared else nn.ModuleDict({"agents": nn.ModuleList(nets)})
    torch.save(saved.state_dict(), token / "15100" / "agent.th")
    team = read_team(import_checkpoint(token, out=tmp_path / "run").run)
    obs = np.load(CASES / "vdn_rnn" / "expected.npz")["obs"]
    values, actions = values_of(team, obs)
    memory = torch.zeros(AGENTS, 8)
    for step, seen in enumerate(torch.from_numpy(obs)):
        before = torch.zeros(AGENTS, ACTIONS)
        if step:
            before[range(AGENTS), actions[step - 1].tolist()] = 1.0
        x = torch.cat([seen, *([before] if last_action else []), *([torch.eye(AGENTS)] if agent_id else [])], 1)
        with torch.no_grad():
            told = [nets[0 if shared else agent](x[agent, None], memory[agent, None]) for agent in range(AGENTS)]
        memory = torch.cat([h for _, h in told])
        np.testing.assert_allclose(values[step], torch.cat([q for q, _ in told]).numpy(), atol=1e-5)


def test_an_actor_of_mappo_is_taken_and_its_critic_begins_anew(tmp_path: Path) -> None:
    token = results(tmp_path, "vdn_rnn")
    words = {"name": "mappo", "action_selector": "soft_policies", "learner": "ppo_learner", "q_nstep": 5}
    words |= {"critic_type": "cv_critic", "entropy_coef": 0.001, "epochs": 4, "eps_clip": 0.2, "hidden_dim": 8}
    file = change(token, **words, agent_output_type="pi_logits", target_update_interval_or_tau=0.01)
    said = {word: value for word, value in json.loads(file.read_text()).items() if word not in ("mixer", "double_q")}
    file.write_text(json.dumps(said))
    actor = TheirAgent(OBS + AGENTS, 8, recurrent=True)
    torch.save(actor.state_dict(), token / "15100" / "agent.th")
    imported = import_checkpoint(token, config=file, out=tmp_path / "run")
    assert [remark for remark in imported.remarks if "evaluation_epsilon" not in remark] == [
        "The team's critic begins anew, should it be trained on."
    ]
    config = load_config(str(imported.run.path))
    assert (config.algorithm.name, config.algorithm.bootstrap_time_limit) == ("mappo", False)
    obs = np.load(CASES / "vdn_rnn" / "expected.npz")["obs"]
    values, _ = values_of(read_team(imported.run), obs)
    first = actor(torch.cat([torch.from_numpy(obs[0]), torch.eye(AGENTS)], 1), torch.zeros(AGENTS, 8))[0]
    np.testing.assert_allclose(values[0], first.detach().numpy(), atol=1e-6)
    with pytest.raises(UserError, match="critics are other networks"):
        export_checkpoint(imported.run, tmp_path / "out")


def test_a_run_made_of_a_checkpoint_is_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = results(tmp_path, "qmix_ff")
    monkeypatch.chdir(tmp_path)
    assert main(["import", str(token), "--out", "runs/theirs"]) == 0
    assert "EPyMARL's team after 15,100 env steps" in capsys.readouterr().out
    for verb in (["evaluate"], ["doctor"], ["report"], ["export"], ["plot"], ["render", "--time-limit", "3"]):
        more = ["--episodes", "2"] if verb == ["evaluate"] else []
        assert main([verb[0], "runs/theirs", *verb[1:], *more]) == 0, verb
    record = RunReader.open(Path("runs/theirs"))
    assert (record.standing, record.env_steps, record.unreadable()) == ("finished", 15_100, [])
    assert record.evaluations["test_return_mean"].tolist() == [0.0] * 4
    assert record.config.env.time_limit == 100


def test_an_imported_team_can_be_trained_on(tmp_path: Path) -> None:
    token = results(tmp_path, "qmix_ff")
    change(token, test_nepisode=2, batch_size=2, buffer_size=8)
    imported = import_checkpoint(token, out=tmp_path / "run")
    before = read_team(imported.run, "latest").networks.state_dict()
    assert main(["resume", str(tmp_path / "run"), "t_max=15400", "-q"]) == 0
    after = read_team(imported.run, "latest")
    assert after.env_steps == 15_400
    moved = [float((after.networks.state_dict()[name] - value).abs().max()) for name, value in before.items()]
    assert 0 < max(moved) < 0.1  # it went on from there


def test_another_checkpoint_of_the_token_can_be_named(tmp_path: Path) -> None:
    token = results(tmp_path, "qmix_ff")
    shutil.copytree(token / "15100", token / "5000")
    for path, step in ((token, 5000), (token / "5000", None)):
        imported = import_checkpoint(path, step, out=tmp_path / f"run{step}")
        assert imported.env_steps == 5000
        assert max(RunReader.open(imported.run.path).metrics["env_steps"]) <= 5000
    with pytest.raises(UserError, match="no checkpoint at 7 steps; it has: 5000, 15100"):
        import_checkpoint(token, 7)
    with pytest.raises(UserError, match="name one of them"):
        import_checkpoint(token.parent)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"use_rnn": True}, r"holds a network without memory \(use_rnn=False\), and not what its config.json"),
        ({"mac": "non_shared_mac"}, "one network for all agents"),
        ({"obs_agent_id": False}, r"fc1.weight is \(64, 73\) where \(64, 71\) would fit"),
        ({"obs_last_action": True}, "obs_last_action=True"),
        ({"hidden_dim": 32}, "hidden_dim=32"),
        ({"mixing_embed_dim": 16}, "hyper_w"),
        ({"hypernet_layers": 1}, "mixer.th holds parameters of another network"),
        ({"env_args": {"key": "rware:rware-tiny-4ag-v2", "time_limit": 100}}, "--config FILE"),
        ({"seed": 2}, "none of those in .* has its name, seed and world"),
        ({"mixer": "qtran"}, "algorithm.name='qtran' must be"),
    ],
)
def test_a_checkpoint_of_another_configuration_is_a_sentence_and_leaves_nothing(
    words: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    token = results(tmp_path, "qmix_ff")
    change(token, **words)
    with pytest.raises(UserError, match=sentence) as error:
        import_checkpoint(token, out=tmp_path / "run")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_taken_along_is_said(tmp_path: Path) -> None:
    token = results(tmp_path, "vdn_rnn")
    file = change(token, standardise_returns=True, use_cuda=True)
    imported = import_checkpoint(token, config=file, out=tmp_path / "run")
    assert len(imported.remarks) == 1
    assert "standardise_returns=True" in imported.remarks[0]
    assert load_config(str(imported.run.path)).training.device == "cpu"


def test_a_strangers_checkpoint_is_only_numbers(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "touched",)

    token = results(tmp_path, "vdn_rnn")
    agent = token / "15100" / "agent.th"
    good = torch.load(agent, weights_only=True)
    double = OrderedDict((name, value.double()) for name, value in good.items())
    turned = OrderedDict(good | {"fc1.weight": good["fc1.weight"].T.contiguous().T})
    for content in (OrderedDict(good | {"x": Bomb()}), double, turned, list(good.values()), Bomb()):
        torch.save(content, agent)
        with pytest.raises(UserError, match="is not read"):
            import_checkpoint(token, out=tmp_path / "run")
    agent.write_bytes(b"PK")
    with pytest.raises(UserError, match="is not read"):
        import_checkpoint(token, out=tmp_path / "run")
    assert not (tmp_path / "touched").exists()
    assert not (tmp_path / "run").exists()


def test_a_world_that_only_the_file_names_is_not_imported(tmp_path: Path) -> None:
    token = results(tmp_path, "vdn_rnn")
    file = change(token, env_args={"key": "own_world_of_a_stranger:make", "time_limit": 5})
    with pytest.raises(UserError, match="run code that somebody else chose"):
        import_checkpoint(token, config=file, out=tmp_path / "run")
    with pytest.raises(UserError, match="own_world_of_a_stranger"):  # looked for, now that it is vouched for
        import_checkpoint(token, config=file, out=tmp_path / "run", trusted=True)


@pytest.mark.parametrize("case", ["qmix_ff", "vdn_rnn"])
def test_what_is_exported_is_what_was_imported(case: str, tmp_path: Path) -> None:
    run = import_checkpoint(results(tmp_path, case), out=tmp_path / "run").run
    files, command = export_checkpoint(run, tmp_path / "again")
    (token,) = (tmp_path / "again" / "models").iterdir()
    for name in ("agent.th", "mixer.th"):
        saved = torch.load(token / "15100" / name, weights_only=True)
        there = torch.load(CASES / case / name, weights_only=True)
        assert saved.keys() == there.keys()
        assert all(torch.equal(saved[key], there[key]) for key in there)
    optimizer = torch.load(token / "15100" / "opt.th", weights_only=True)
    count = len(torch.load(CASES / case / "agent.th", weights_only=True)) + 14 * (case == "qmix_ff")
    torch.optim.Adam([nn.Parameter(torch.zeros(1)) for _ in range(count)]).load_state_dict(optimizer)
    assert len(files) == 4
    words = shlex.split(command)
    assert {"env_args.time_limit=100", f"checkpoint_path={token}", "evaluate=True"} <= set(words)
    back = import_checkpoint(token, out=tmp_path / "back")
    obs = np.load(CASES / case / "expected.npz")["obs"]
    assert np.array_equal(values_of(read_team(back.run), obs)[0], values_of(read_team(run), obs)[0])


def test_a_team_without_sharing_comes_back(tmp_path: Path) -> None:
    words = ["network.sharing=none", "mixer=None", "env.time_limit=5", "t_max=40", "num_envs=4", "hidden_dim=8"]
    words += ["warmup_env_steps=0", "test_nepisode=4", "batch_size=4", "segment_steps=0"]
    assert main(["train", "smoke", *words, "-q", "--out", str(tmp_path / "run")]) == 0
    run = RunDirectory.open(tmp_path / "run")
    export_checkpoint(run, tmp_path / "out")
    (token,) = (tmp_path / "out" / "models").iterdir()
    assert token.name.startswith("iql_ns_seed1_")
    assert not list(token.glob("*/mixer.th"))
    saved = torch.load(next(token.glob("*/agent.th")), weights_only=True)
    assert {"agents.0.fc1.weight", "agents.1.fc2.bias"} <= saved.keys()
    back = import_checkpoint(token, out=tmp_path / "back")
    obs = np.load(CASES / "qmix_ff" / "expected.npz")["obs"]
    assert np.array_equal(values_of(read_team(back.run), obs)[0], values_of(read_team(run), obs)[0])
    assert load_config(str(back.run.path)).env.arguments == load_config(str(run.path)).env.arguments


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["env.remember_onset=[2]"], "remembered numbers"),
        (["network.sharing=[[1],[0]]"], "groups of its agents"),
    ],
)
def test_a_team_that_epymarl_could_not_play_is_a_sentence(words: list[str], reason: str, tmp_path: Path) -> None:
    few = ["t_max=40", "num_envs=4", "env.time_limit=5", "warmup_env_steps=0", "test_nepisode=4", "batch_size=4"]
    assert main(["train", "smoke", *few, "segment_steps=0", *words, "-q", "--out", str(tmp_path / "run")]) == 0
    with pytest.raises(UserError, match=reason):
        export_checkpoint(RunDirectory.open(tmp_path / "run"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_verb_writes_what_epymarl_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import_checkpoint(results(tmp_path, "vdn_rnn"), out=tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    assert main(["export", "run", "--format", "epymarl", "--out", "theirs"]) == 0
    assert "python src/main.py --config=vdn --env-config=gymma with use_rnn=True" in capsys.readouterr().out
    assert main(["import", str(next(Path("theirs/models").iterdir())), "-q", "--out", "back"]) == 0


def test_numbers_of_both_are_drawn_in_one_plot(tmp_path: Path) -> None:
    results(tmp_path / "theirs", "qmix_ff")
    import_checkpoint(tmp_path / "theirs" / next((tmp_path / "theirs" / "models").iterdir()), out=tmp_path / "ours")
    for metric in ("test_return_mean", "q_taken_mean"):
        out = tmp_path / f"{metric}.svg"
        assert (
            main(["plot", str(tmp_path / "theirs"), str(tmp_path / "ours"), "--metric", metric, "--out", str(out)]) == 0
        )
        drawn = out.read_text()
        assert "EPyMARL&#x27;s qmix" in drawn or "EPyMARL's qmix" in drawn
        assert "epymarl-qmix" in drawn


def test_numbers_that_sacred_did_not_write_are_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results(tmp_path, "qmix_ff")
    (metrics,) = tmp_path.rglob("metrics.json")
    for content in ("[]", '{"loss": 3}', '{"loss": {"steps": [1], "timestamps": ["now"], "values": [1]}}', "{"):
        metrics.write_text(content)
        assert main(["plot", str(tmp_path), "--out", str(tmp_path / "a.svg")]) == 2
        assert "is not what sacred writes" in capsys.readouterr().err
