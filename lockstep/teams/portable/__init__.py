"""Portable writes a team as one file that runs without Lockstep: ONNX, TorchScript, or plain arrays.

`brain` is what happens between a robot's observation and its action, `onnx_file` the same as a graph of ONNX's own
operations. Whatever a robot must remember goes in and comes out as tensors with names, zero at an episode's start.
"""
