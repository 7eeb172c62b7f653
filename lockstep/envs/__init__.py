"""Envs holds the worlds: many lanes, one step for all of them, nothing reset behind anyone's back.

`protocol` is what every world speaks, `registry` the way from a key to lanes. A folder is a kind of world: `rware`, the
compiled warehouse and its oracle; `particles`, MPE's small games likewise; `foraging`, Level-Based Foraging likewise;
`foreign`, anybody's PettingZoo or Gymnasium environment; `probes`, tiny worlds with known answers; `adapters`, the
warehouse with other libraries' faces.
"""
