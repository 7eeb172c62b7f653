"""The one exception a user is meant to read, and how text of others is shown to one."""

import re

_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it: control characters, and those that turn the direction of writing."""


class UserError(Exception):
    """A sentence for the person at the keyboard: the value, the rule, the next step.

    The command line prints it without a traceback and exits with code 2. Our own mistakes are `assert`s, never this.
    """


class UnknownArgumentError(UserError, TypeError):
    """A constructor was given an argument that it does not have: what Python, and so Gymnasium, calls a TypeError."""
