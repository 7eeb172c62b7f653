"""The process behind `lockstep.algorithms.fast.shares.GradientWorker`: a learner that only ever works out gradients."""

import json
import os
import sys
from multiprocessing.connection import Connection

import torch

from lockstep.algorithms.fast.shares import Exchange, SharedMemory, one_thread
from lockstep.algorithms.gradient_learner import GradientLearner
from lockstep.algorithms.registry import build
from lockstep.compute.compiled import leave_announcements
from lockstep.config.schema import RunConfig
from lockstep.networks.flat import attach
from lockstep.spec import EnvSpec


def main(line_descriptor: int, weights_descriptor: int, exchange_descriptor: int) -> None:
    """Answer every share with its loss and metrics; the gradient lies in the exchange."""
    one_thread()
    leave_announcements()
    with Connection(line_descriptor) as line:
        hello = json.loads(line.recv_bytes())
        spec = EnvSpec(**{**hello["spec"], "obs_bits": tuple(hello["spec"]["obs_bits"])})
        config = RunConfig.model_validate(hello["config"])
        alone = config.training.model_copy(update={"num_threads": 1})
        learner = build(spec, config.model_copy(update={"training": alone}))
        assert isinstance(learner, GradientLearner)
        weights = SharedMemory(weights_descriptor, os.fstat(weights_descriptor).st_size)
        online, target = weights.tensor(torch.float32, (2, hello["num_weights"]))
        attach(learner.online, online)
        if learner.target is not learner.online:
            attach(learner.target, target)
        memory = SharedMemory(exchange_descriptor, os.fstat(exchange_descriptor).st_size)
        exchange = Exchange(memory, spec, hello["num_weights"], hello["episodes"], hello["steps"])
        while True:
            try:
                message = json.loads(line.recv_bytes())
            except (EOFError, OSError):
                return
            value, metrics, gradient = learner.gradient(exchange.read(message))
            exchange.gradient.copy_(gradient)
            answer = {"loss": value.item(), "metrics": {name: metric.item() for name, metric in metrics.items()}}
            line.send_bytes(json.dumps(answer).encode())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
