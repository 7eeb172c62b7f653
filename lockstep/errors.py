"""The one exception a user is meant to read."""


class UserError(Exception):
    """A sentence for the person at the keyboard: the value, the rule, the next step.

    The command line prints it without a traceback and exits with code 2. Our own mistakes are `assert`s, never this.
    """


class UnknownArgumentError(UserError, TypeError):
    """A constructor was given an argument that it does not have: what Python, and so Gymnasium, calls a TypeError."""
