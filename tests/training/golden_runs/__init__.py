"""Whole beginnings of trainings, row by row, as they were before the house was opened.

    python -m tests.training.golden_runs                      compares all six, some minutes
    python -m tests.training.golden_runs smoke-1              one of them
    python -m tests.training.golden_runs --write              writes the rows of all anew

Each is a preset with one or two shares of every batch: `smoke` whole, the first 3,000 updates of `solve` and of
`report-week1`. The numbers hold to the last bit on the type of CPU and the versions that `machine.json` names; a commit
that changes them says so.
"""
