"""Bench measures speed, for `lockstep bench`; what the documents quote is made by the scripts in benchmarks/."""
