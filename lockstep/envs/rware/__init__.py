"""This is the warehouse of the package rware 2.0.0, compiled, and exact to the last draw.

`keys`, `config` and `layout` say what is asked for; `_kernel`, `_right_of_way` and `_observations` are the step;
`simulator` holds the lanes, `official` the package in their place, and `verify` plays both side by side. `heuristic`
is a programmed team, `draw` a floor as a picture.
"""
