"""Config holds every setting of a run, once, with its meaning: nothing else in the house defines one.

`schema` has the settings, `presets` the configurations with a name, `load` makes one from a preset or a file and
`key=value` words. `words` knows those, `epymarl` EPyMARL's among them, and `sacred` its configurations whole.
"""
