"""Runs says what a run's folder is: the names of its files, how they are written, and how they are read back.

`directory` has the files, the lock and safe writes, `metrics` explains every number, `loggers` write them as they come,
`rows` and `reader` read them while they grow, `followers` write them again for other programs. Who makes something of a
run stands elsewhere.
"""
