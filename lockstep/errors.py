"""The one exception that a user is meant to read, and the one that nobody may keep."""


class UserError(Exception):
    """A sentence for the person at the keyboard: the value, the rule, the next step.

    The command line prints it without a traceback and exits with code 2. Our own mistakes are `assert`s, never this.
    """


class AbandonedError(BaseException):
    """Somebody wants to stop, and what was going on leaves no trace when it is cut off.

    No `Exception`, since it is raised by a signal in whatever runs, also in other people's code that keeps those.
    """


class UnknownArgumentError(UserError, TypeError):
    """A constructor was given an argument that it does not have: what Python, and so Gymnasium, calls a TypeError."""
