"""This is Level-Based Foraging of the package lbforaging 2.0.0, compiled, and exact to the last draw.

`keys` and `config` say what is asked for; `_kernel` is the step; `simulator` holds the lanes, `official` the package in
their place, and `verify` plays both side by side. `heuristic` is a programmed team, `draw` a field as a picture.
"""
