"""The network's layers and their sizes, from a configuration and a task: what the diagram shows and the text counts."""

from dataclasses import dataclass

from lockstep.config.schema import RunConfig
from lockstep.spec import EnvSpec


@dataclass(frozen=True)
class Layer:
    """One piece of a network."""

    name: str
    shape: str
    """Such as `73 → 64`."""
    parameters: int


@dataclass(frozen=True)
class Architecture:
    """Everything that is learnt."""

    algorithm: str
    """qmix, vdn or iql"""
    num_agents: int
    obs_dim: int
    num_actions: int
    state_dim: int
    agent_id: bool
    last_action: bool
    recurrent: bool
    agent: tuple[Layer, ...]
    """The layers of the one network that all agents share, in the order in which they are passed."""
    mixer: tuple[Layer, ...]
    """QMIX's hypernetworks, each named after what it makes from the state; empty for the others."""
    mixing_dim: int

    @property
    def agent_parameters(self) -> int:
        return sum(layer.parameters for layer in self.agent)

    @property
    def mixer_parameters(self) -> int:
        return sum(layer.parameters for layer in self.mixer)


def architecture(config: RunConfig, spec: EnvSpec) -> Architecture:
    """The sizes of `lockstep.networks` for this configuration and task."""
    network = config.network
    agents, hidden, actions, state = spec.num_agents, network.hidden_dim, spec.num_actions, spec.state_dim
    inputs = spec.obs_dim + network.last_action * actions + network.agent_id * agents
    middle = (
        Layer("GRU", f"{hidden} → {hidden}", 6 * hidden * hidden + 6 * hidden)
        if network.recurrent
        else _linear("Linear, ReLU", hidden, hidden)
    )
    mixing, width = network.mixing_embed_dim, network.hypernet_embed_dim
    deep = network.hypernet_layers == 2
    mixer = (
        (
            _hypernet("W₁", state, width, agents * mixing, deep=deep),
            _hypernet("b₁", state, width, mixing, deep=False),
            _hypernet("w₂", state, width, mixing, deep=deep),
            _hypernet("V", state, mixing, 1, deep=True),
        )
        if config.algorithm.name == "qmix"
        else ()
    )
    return Architecture(
        algorithm=config.algorithm.name,
        num_agents=agents,
        obs_dim=spec.obs_dim,
        num_actions=actions,
        state_dim=state,
        agent_id=network.agent_id,
        last_action=network.last_action,
        recurrent=network.recurrent,
        agent=(_linear("Linear, ReLU", inputs, hidden), middle, _linear("Linear", hidden, actions)),
        mixer=mixer,
        mixing_dim=mixing,
    )


def _linear(name: str, inputs: int, outputs: int) -> Layer:
    return Layer(name, f"{inputs} → {outputs}", inputs * outputs + outputs)


def _hypernet(name: str, inputs: int, width: int, outputs: int, *, deep: bool) -> Layer:
    if not deep:
        return _linear(name, inputs, outputs)
    parameters = inputs * width + width + width * outputs + outputs
    return Layer(name, f"{inputs} → {width} → {outputs}", parameters)
