"""These are the small particle games of the package mpe2, compiled, and exact to the last bit.

`games` is the table of them: who plays, what everybody sees and can do. `_kernel` is the step, `_games` what they do
not have in common, `_sight` what is seen; `simulator` holds the lanes, `official` the package in their place, and
`verify` plays both side by side. `heuristic` has programmed teams, `draw` the picture.
"""
