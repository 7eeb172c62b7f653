"""Sweeps are many runs as one folder, which goes on wherever it was stopped, whoever works at it.

`request` is what somebody asks for, as words or as a file, `choices` the values in it; `folder` is the plan on disk and
how its cells stand; `unit` trains one cell, the same for every engine, unless one of the `neighbors` has it. `local` is
the engine of one machine, `slurm` that of a cluster, `on_ray` that of Ray, with `parcel` for what travels between nodes
that share no disk; `estimate` says before how long it takes, `display` how it goes, `report` what came out, and
`kill_test` kills all of it. (The package is not called `sweep` because `lockstep.sweep` is the function.)
"""
