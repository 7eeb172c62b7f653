"""A trained team drives a warehouse with onnxruntime alone: nothing of Lockstep, and no torch, is imported.

lockstep export latest --format onnx --out team.onnx
python examples/run_on_robot.py team.onnx 7
"""

import json
import sys

import gymnasium
import numpy as np
import onnxruntime

brain = onnxruntime.InferenceSession(sys.argv[1])
about = brain.get_modelmeta().custom_metadata_map
robots, asked = int(about["agents"]), [tensor.name for tensor in brain.get_inputs()]
told = [tensor.name for tensor in brain.get_outputs()]
env = gymnasium.make(
    about["world"], max_steps=int(about["time_limit"]), disable_env_checker=True, **json.loads(about["arguments"])
)
memory = {name: np.zeros((robots, *shape), np.float32) for name, shape in json.loads(about["states"]).items()}
seen, _ = env.reset(seed=int(sys.argv[2]))
earned, ended = 0.0, False
while not ended:
    inputs = {"obs": np.stack(seen).astype(np.float32), "agent": np.arange(robots), **memory}
    answer = dict(zip(told, brain.run(told, {name: inputs[name] for name in asked}), strict=True))
    memory = {name: answer[f"next_{name}"] for name in memory}
    seen, rewards, terminated, truncated, _ = env.step(tuple(answer["action"].tolist()))
    earned, ended = earned + float(np.asarray(rewards).sum()), bool(terminated or truncated)
print(f"{earned:g} shelves")
