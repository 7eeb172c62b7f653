"""The brain as a graph of ONNX's own operations, which any of its runtimes can play. It is made without an exporter."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.errors import UserError
from lockstep.teams.portable.brain import NEXT, PortableTeam

OPSET, IR_VERSION = 17, 8
"""Of 2022 and later: old runtimes on robots know them."""
ONE = np.array([1], np.int64)
"""The axis between robots and their numbers."""


def onnx_bytes(team: PortableTeam) -> bytes:
    """The file. Raises UserError where the package onnx is not installed."""
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError:
        raise UserError("ONNX files are made with the package onnx: pip install 'lockstep-marl[robot]'.") from None
    graph, kept = _Graph(helper), team.arrays
    agent = "agent" if team.asks_who else ""
    group = graph.op("Gather", graph.constant("group", kept["group"]), agent) if len(kept["encode"]) > 1 else ""

    def dense(x: str, layer: str) -> str:
        parts = {f"{layer}_weight": kept[layer], f"{layer}_bias": kept[f"{layer}_bias"]}
        if not group:
            return graph.op("Gemm", x, *(graph.constant(name, array[0]) for name, array in parts.items()))
        weight, bias = (graph.op("Gather", graph.constant(*part), group) for part in parts.items())
        one = graph.constant("one", ONE)
        product = graph.op("MatMul", graph.op("Unsqueeze", x, one), weight)
        return graph.op("Add", graph.op("Squeeze", product, one), bias)

    seen = ["obs"]
    if "noted" in team.states:
        zero, two = graph.constant("zero", np.float32(0.0)), graph.constant("two", np.array([2], np.int64))
        on = graph.op("Greater", graph.op("Gather", "obs", graph.constant("flags", kept["flags"]), axis=1), zero)
        now = graph.op("Gather", "obs", graph.constant("numbers", kept["numbers"]), axis=1)
        was_on = graph.op("Unsqueeze", graph.op("Greater", "was_on", zero), two)
        noted = graph.op("Where", was_on, "noted", graph.op("Unsqueeze", now, graph.constant("one", ONE)))
        noted = graph.op("Where", graph.op("Unsqueeze", on, two), noted, zero, to=f"{NEXT}noted")
        graph.op("Cast", on, cast_to=TensorProto.FLOAT, to=f"{NEXT}was_on")
        seen.append(graph.op("Flatten", noted, axis=1))
    if "last_action" in team.states:
        seen.append("last_action")
    if team.agent_id:
        seen.append(
            graph.op("Gather", graph.constant("numbers_of_agents", np.eye(team.num_agents, dtype=np.float32)), agent)
        )
    h = graph.op("Relu", dense(graph.op("Concat", *seen, axis=1) if len(seen) > 1 else "obs", "encode"))
    if "memory" in team.states:
        r, z, n = graph.split(dense(h, "from_input"))
        r_h, z_h, n_h = graph.split(dense("memory", "from_memory"))
        reset, update = (graph.op("Sigmoid", graph.op("Add", *pair)) for pair in ((r, r_h), (z, z_h)))
        new = graph.op("Tanh", graph.op("Add", n, graph.op("Mul", reset, n_h)))
        h = graph.op("Add", new, graph.op("Mul", update, graph.op("Sub", "memory", new)), to=f"{NEXT}memory")
    else:
        h = graph.op("Relu", dense(h, "hidden"))
    values = dense(h, "values")
    if team.masked:
        values = graph.op("Where", "available", values, graph.constant("never", np.float32(-np.inf)))
    graph.op("Identity", values, to="values")
    graph.op("ArgMax", values, axis=1, keepdims=0, to="action")
    if "last_action" in team.states:
        choices = graph.constant("choices", np.eye(team.num_actions, dtype=np.float32))
        graph.op("Gather", choices, "action", to=f"{NEXT}last_action")

    def tensor(name: str, kind: int, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, kind, ["robots", *shape])

    inputs = [tensor("obs", TensorProto.FLOAT, team.obs_dim)]
    inputs += [tensor("agent", TensorProto.INT64)] if agent else []
    inputs += [tensor("available", TensorProto.BOOL, team.num_actions)] if team.masked else []
    inputs += [tensor(name, TensorProto.FLOAT, *shape) for name, shape in team.states.items()]
    outputs = [tensor("action", TensorProto.INT64), tensor("values", TensorProto.FLOAT, team.num_actions)]
    outputs += [tensor(f"{NEXT}{name}", TensorProto.FLOAT, *shape) for name, shape in team.states.items()]
    constants = [numpy_helper.from_array(array, name) for name, array in graph.constants.items()]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "team", inputs, outputs, constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="lockstep",
    )
    helper.set_model_props(model, dict(team.about))
    checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


class _Graph:
    """Nodes and constants, as they are named one after the other."""

    def __init__(self, helper: Any) -> None:
        self._helper = helper
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def constant(self, name: str, value: NDArray[Any] | np.float32) -> str:
        self.constants[name] = np.ascontiguousarray(value) if np.ndim(value) else np.array(value)
        return name

    def op(self, kind: str, *inputs: str, to: str = "", cast_to: int | None = None, **attributes: int) -> str:
        """One operation. to: its output's name, where others read it."""
        name = to or f"{kind.lower()}_{len(self.nodes)}"
        attributes |= {} if cast_to is None else {"to": cast_to}
        self.nodes.append(self._helper.make_node(kind, inputs, [name], **attributes))
        return name

    def split(self, gates: str) -> list[str]:
        """The three equal parts of (R, 3H)."""
        names = [f"{gates}_{part}" for part in ("reset", "update", "new")]
        self.nodes.append(self._helper.make_node("Split", [gates], names, axis=1))
        return names
