"""What happens between what robots see and what they do, as one function of named tensors; a row is a robot.

    in    obs (R, O)             what each robot sees by itself; `about["features"]` names the O numbers
          agent (R,) int64       each robot's number in the team, where its network asks for it
          available (R, A) bool  which actions can be chosen, where the world says so
          every state (R, ...)   zeros before an episode's first step, then its NEXT from the step before
    out   action (R,) int64, values (R, A), and next_STATE of every state

A robot needs nobody else's rows, so one robot alone is a call with one row. The states: `memory` of a recurrent
network, `last_action` as a one-hot, `was_on` and `noted` of the onset memory (`lockstep.envs.onset_memory`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lockstep.config.load import load_config
from lockstep.envs.onset_memory import OnsetMemory, underneath
from lockstep.envs.registry import feature_names, make_env
from lockstep.errors import UserError
from lockstep.networks.agents import RecurrentAgent, networks_of
from lockstep.networks.sharing import groups
from lockstep.runs.directory import RunDirectory
from lockstep.training.checkpoints.checkpoint import BEST, SavedTeam, read_team

NEXT = "next_"
"""Before a state's name, what it is after the step."""
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class PortableTeam:
    """A team's parameters and all that is needed to use them. G groups of agents have networks of their own."""

    arrays: Arrays
    """encode (G, I, H), hidden (G, H, H) or from_input and from_memory (G, H, 3H: reset, update, new), values (G, H,
    A), each with its bias; group (N,), the group of every agent; flags and numbers, indices of the onset memory."""
    states: Mapping[str, tuple[int, ...]]
    """Every state's shape for one robot."""
    about: Mapping[str, str]
    """For whoever uses the file: the world, its features, who trained it; lists and tables as JSON."""
    num_agents: int
    num_actions: int
    obs_dim: int
    """Of what a robot sees by itself."""
    agent_id: bool
    masked: bool
    """Whether actions can be unavailable."""

    @property
    def asks_who(self) -> bool:
        """Whether a robot's number matters."""
        return self.agent_id or len(self.arrays["encode"]) > 1


def portable_team(run: RunDirectory, checkpoint: str = BEST) -> PortableTeam:
    """Take a run's team out of its world. Raises UserError where it is not the world that it was trained in."""
    team, config = read_team(run, checkpoint), load_config(str(run.config))
    env = make_env(config.env, 1, 0)
    try:
        seen, masked = underneath(env).spec, env.available_actions() is not None
        if env.spec.sizes != team.spec.sizes:
            raise UserError(f"The team in {run.path} was trained in another world than config.toml's {env.spec.key}.")
        onset = env if isinstance(env, OnsetMemory) else None
        flags, numbers = ([], []) if onset is None else (onset.flags, onset.numbers.tolist())
    finally:
        env.close()
    network = team.config.network
    arrays = {**_parameters(team), "flags": np.array(flags, np.int64), "numbers": np.array(numbers, np.int64)}
    arrays["group"] = np.zeros(team.spec.num_agents, np.int64)
    for number, members in enumerate(groups(network, team.spec.num_agents)):
        arrays["group"][list(members)] = number
    states: dict[str, tuple[int, ...]] = {}
    if network.recurrent:
        states["memory"] = (network.hidden_dim,)
    if network.last_action:
        states["last_action"] = (team.spec.num_actions,)
    if flags:
        states |= {"was_on": (len(flags),), "noted": (len(flags), len(numbers))}
    try:
        features = list(feature_names(config.env.key, **config.env.arguments))
    except UserError:
        features = [f"number_{index}" for index in range(seen.obs_dim)]
    key = config.env.key
    about = {
        "world": f"rware:{key}" if key.startswith("rware-") else key,
        "arguments": json.dumps(config.env.arguments),
        "time_limit": str(team.spec.time_limit),
        "agents": str(team.spec.num_agents),
        "actions": str(team.spec.num_actions),
        "features": json.dumps(features),
        "states": json.dumps(states),
        "algorithm": team.config.algorithm.name,
        "env_steps": str(team.env_steps),
        "run": run.path.resolve().name,
    }
    sizes = team.spec.num_agents, team.spec.num_actions, seen.obs_dim
    return PortableTeam(arrays, states, about, *sizes, network.agent_id, masked)


def _parameters(team: SavedTeam) -> dict[str, NDArray[Any]]:
    """The parameters of every group's network, one above the other; weights have their inputs in rows."""
    found: dict[str, list[NDArray[Any]]] = {}
    for network in networks_of(team.policy.agent):
        named = {name: value.detach().numpy() for name, value in network.named_parameters()}
        if isinstance(network, RecurrentAgent):
            renamed = {"gru.weight_ih_l0": "from_input.weight", "gru.bias_ih_l0": "from_input.bias"}
            renamed |= {"gru.weight_hh_l0": "from_memory.weight", "gru.bias_hh_l0": "from_memory.bias"}
            named = {renamed.get(name, name): value for name, value in named.items()}
        for name, value in named.items():
            layer, kind = name.split(".")
            found.setdefault(layer if kind == "weight" else f"{layer}_bias", []).append(value.T)
    return {name: np.stack(parts) for name, parts in found.items()}


class Brain(nn.Module):
    """The function itself, for torch: `torch.jit.load(file)(inputs)` with the dictionaries described above."""

    group: Tensor
    flags: Tensor
    numbers: Tensor
    encode: Tensor
    encode_bias: Tensor
    hidden: Tensor
    hidden_bias: Tensor
    from_input: Tensor
    from_input_bias: Tensor
    from_memory: Tensor
    from_memory_bias: Tensor
    values: Tensor
    values_bias: Tensor

    def __init__(self, team: PortableTeam) -> None:
        super().__init__()
        for name, array in team.arrays.items():
            self.register_buffer(name, torch.from_numpy(np.array(array)))
        width = team.arrays["encode"].shape[2]
        for name in ("hidden", "hidden_bias", "from_input", "from_input_bias", "from_memory", "from_memory_bias"):
            if name not in team.arrays:  # never used, but compiled
                self.register_buffer(name, torch.zeros(1, 1, width))
        self.recurrent, self.acts_on_last = "memory" in team.states, "last_action" in team.states
        self.notes, self.agent_id, self.asks_who = "noted" in team.states, team.agent_id, team.asks_who
        self.masked, self.num_agents, self.num_actions = team.masked, team.num_agents, team.num_actions

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """See above."""
        obs = inputs["obs"]
        agent = inputs["agent"] if self.asks_who else torch.zeros(obs.shape[0], dtype=torch.int64)
        group = self.group[agent]
        out: dict[str, Tensor] = {}
        x = obs
        if self.notes:
            on, now = obs[:, self.flags] > 0, obs[:, self.numbers].unsqueeze(1)
            noted = torch.where((inputs["was_on"] > 0).unsqueeze(2), inputs["noted"], now) * on.unsqueeze(2)
            x = torch.cat([x, noted.flatten(1)], 1)
            out["next_was_on"], out["next_noted"] = on.to(obs.dtype), noted
        if self.acts_on_last:
            x = torch.cat([x, inputs["last_action"]], 1)
        if self.agent_id:
            x = torch.cat([x, torch.eye(self.num_agents)[agent]], 1)
        h = torch.relu(self.dense(x, self.encode, self.encode_bias, group))
        if self.recurrent:
            memory = inputs["memory"]
            r, z, n = self.dense(h, self.from_input, self.from_input_bias, group).chunk(3, 1)
            r_h, z_h, n_h = self.dense(memory, self.from_memory, self.from_memory_bias, group).chunk(3, 1)
            new = torch.tanh(n + torch.sigmoid(r + r_h) * n_h)
            h = new + torch.sigmoid(z + z_h) * (memory - new)
            out["next_memory"] = h
        else:
            h = torch.relu(self.dense(h, self.hidden, self.hidden_bias, group))
        values = self.dense(h, self.values, self.values_bias, group)
        if self.masked:
            values = torch.where(inputs["available"], values, torch.full_like(values, float("-inf")))
        out["values"], out["action"] = values, values.argmax(1)
        if self.acts_on_last:
            out["next_last_action"] = torch.eye(self.num_actions)[out["action"]]
        return out

    def dense(self, x: Tensor, weight: Tensor, bias: Tensor, group: Tensor) -> Tensor:
        """x (R, I) by each row's own group's layer."""
        if weight.shape[0] == 1:
            return torch.addmm(bias[0], x, weight[0])
        return torch.bmm(x.unsqueeze(1), weight[group]).squeeze(1) + bias[group]
