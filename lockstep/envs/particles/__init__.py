"""This is simple_spread of the package mpe2, compiled, and exact to the last bit.

`_kernel` is the step, `simulator` holds the lanes, `official` the package in their place, and `verify` plays both side
by side. `heuristic` is a planning team, `draw` the picture.
"""
