"""Training makes a team: one loop, one session that is all of a run's state, and what is kept of it.

`session` is a run at one moment, `trainer` the loop on one page, `command` what surrounds it for a user; `health` and
`behavior` look at networks and teams, `divergence` at runs whose loss is no number, `estimate` at what a run will need.
"""
