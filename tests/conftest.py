"""Compiling and a busy machine are slow at times: no test has a deadline of milliseconds."""

from hypothesis import settings

settings.register_profile("lockstep", deadline=None)
settings.load_profile("lockstep")
