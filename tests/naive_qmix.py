"""QMIX read straight off the paper: loops over time and agents, nothing clever. The twin that fast code must equal."""

from typing import Any

import torch
from torch import Tensor, nn

from lockstep.algorithms.q_learning import QLearner
from lockstep.experience.episodes import EpisodeBatch


def naive_loss(learner: QLearner, batch: EpisodeBatch) -> Tensor:
    """The loss of `QLearner.loss`, for QMIX, VDN and IQL, one time step and one agent after the other."""
    config, agents = learner.algorithm, learner.spec.num_agents
    online = _utilities(learner, learner.online, batch)
    target = _utilities(learner, learner.target, batch)
    total, count = torch.zeros(()), torch.zeros(())
    for b in range(batch.num_episodes):
        length = int(batch.filled[b].sum())
        y: list[Tensor] = [torch.zeros(())] * length
        for t in reversed(range(length)):
            chosen = []
            for i in range(agents):
                chooser = (online if config.double_q else target)[b][t + 1][i].detach()
                if batch.available is not None:
                    chooser = torch.where(batch.available[b, t + 1, i], chooser, torch.tensor(-1e9))
                chosen.append(target[b][t + 1][i][int(chooser.argmax())])
            next_value = _mix(learner, learner.target, chosen, batch.state[b, t + 1]).detach()
            terminated, truncated = bool(batch.terminated[b, t]), bool(batch.truncated[b, t])
            alive = not terminated and (config.bootstrap_time_limit or not truncated)
            lam = config.td_lambda if t + 1 < length else 0.0
            later = y[t + 1] if t + 1 < length else torch.zeros(())
            y[t] = batch.reward[b, t] + config.gamma * alive * ((1 - lam) * next_value + lam * later)
        for t in range(length):
            taken = [online[b][t][i][int(batch.actions[b, t, i])] for i in range(agents)]
            q_tot = _mix(learner, learner.online, taken, batch.state[b, t])
            total = total + (q_tot - y[t]).square().sum()
            count = count + q_tot.numel()
    return total / count


def _utilities(learner: QLearner, networks: nn.ModuleDict, batch: EpisodeBatch) -> list[list[list[Tensor]]]:
    """[episode][step][agent] -> (A,)"""
    agent: Any = networks["agent"]
    config, spec = learner.network, learner.spec
    everything = []
    for b in range(batch.num_episodes):
        hidden = [batch.obs.new_zeros(config.hidden_dim) for _ in range(spec.num_agents)]
        steps = []
        for t in range(batch.obs.shape[1]):
            values = []
            for i in range(spec.num_agents):
                x = batch.obs[b, t, i]
                if config.last_action:
                    last = x.new_zeros(spec.num_actions)
                    if t > 0:
                        last[int(batch.actions[b, t - 1, i])] = 1.0
                    x = torch.cat([x, last])
                if config.agent_id:
                    number = x.new_zeros(spec.num_agents)
                    number[i] = 1.0
                    x = torch.cat([x, number])
                x = torch.relu(agent.encode(x))
                if config.recurrent:
                    hidden[i] = _gru_cell(agent.gru, x, hidden[i])
                    x = hidden[i]
                else:
                    x = torch.relu(agent.hidden(x))
                values.append(agent.values(x))
            steps.append(values)
        everything.append(steps)
    return everything


def _gru_cell(gru: Any, x: Tensor, h: Tensor) -> Tensor:
    """Cho et al. 2014, in torch's gate order: reset, update, new."""
    from_x = (gru.weight_ih_l0 @ x + gru.bias_ih_l0).chunk(3)
    from_h = (gru.weight_hh_l0 @ h + gru.bias_hh_l0).chunk(3)
    reset, update = torch.sigmoid(from_x[0] + from_h[0]), torch.sigmoid(from_x[1] + from_h[1])
    new = torch.tanh(from_x[2] + reset * from_h[2])
    return (1 - update) * new + update * h


def _mix(learner: QLearner, networks: nn.ModuleDict, chosen: list[Tensor], state: Tensor) -> Tensor:
    mixer: Any = networks["mixer"]
    q = torch.stack(chosen)
    if type(mixer).__name__ == "NoMixer":
        return q
    if type(mixer).__name__ == "VDNMixer":
        return q.sum().view(1)
    w1 = mixer.w1(state).abs().view(len(chosen), -1)
    hidden = nn.functional.elu(q @ w1 + mixer.b1(state))
    q_tot: Tensor = hidden @ mixer.w2(state).abs() + mixer.v(state)
    return q_tot.view(1)
