"""Live is the page of `lockstep watch`: a run's curves and its team at work, while it trains.

`folder`, `curves` and `film` are what is told, `app` and `guard` who is told, `static` the page, `terminal` the same as
text.
"""
