"""The process behind `lockstep.envs.foreign.workers.Worker`: some lanes of somebody else's environment.

When the line is closed it closes them, and ends.
"""

import json
import sys
from dataclasses import asdict
from multiprocessing.connection import Connection

import numpy as np

from lockstep.envs.foreign.factory import ForeignEnvFactory
from lockstep.envs.foreign.guests import WorldError
from lockstep.envs.foreign.lanes import PythonLanes
from lockstep.envs.protocol import TimeStep
from lockstep.errors import UserError


def main(line_descriptor: int) -> None:
    """Answer every request with a JSON head and the lanes' arrays, one after the other."""
    with Connection(line_descriptor) as line:
        hello = json.loads(line.recv_bytes())
        try:
            factory = ForeignEnvFactory(hello["key"], hello["time_limit"], hello["arguments"], hello["own_state"])
            lanes = PythonLanes(factory, hello["num_envs"], hello["seed"])
        except UserError as error:
            line.send_bytes(json.dumps({"error": str(error)}).encode())
            return
        told = lanes.remarks()
        line.send_bytes(json.dumps({"spec": asdict(lanes.spec), "names": lanes.agent_names, "remarks": told}).encode())
        while True:
            try:
                asked = json.loads(line.recv_bytes())
            except (EOFError, OSError):
                lanes.close()
                return
            mask = np.array(asked["mask"], dtype=bool)
            try:
                if asked["do"] == "reset":
                    obs = lanes.reset(asked["seed"], mask)
                    nothing = np.zeros(len(mask), dtype=bool)
                    step = TimeStep(obs, np.zeros(obs.shape[:2], np.float32), nothing, nothing)
                else:
                    step = lanes.step(np.array(asked["actions"], dtype=np.int64), mask)
            except WorldError as error:  # whatever somebody else's environment raises: the episode is dropped
                line.send_bytes(json.dumps({"failed": str(error)}).encode())
                sys.exit(1)
            except UserError as error:
                line.send_bytes(json.dumps({"error": str(error)}).encode())
                return
            available = lanes.available_actions()
            assert available is not None
            remarks = lanes.remarks()
            line.send_bytes(json.dumps({} if remarks == told else {"remarks": remarks}).encode())
            told, state = remarks, lanes.state()
            for array in (*step, available, *([] if state is None else [state])):
                line.send_bytes(np.ascontiguousarray(array).tobytes())


if __name__ == "__main__":
    main(int(sys.argv[1]))
