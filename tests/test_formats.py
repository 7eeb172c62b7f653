"""Numbers are written as people say them."""

import pytest

from lockstep.formats import counted, duration


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (counted(1, "trial"), "1 trial"),
        (counted(0, "trial"), "0 trials"),
        (counted(1_200, "trial"), "1,200 trials"),
        (counted(1, "cell is", "cells are"), "1 cell is"),
        (counted(3, "shelf", "shelves"), "3 shelves"),
        (counted("1", "time"), "1 time"),
        (counted("0.5", "time"), "0.5 times"),
        (duration(1.0), "1 second"),
        (duration(60.0), "60 seconds"),
        (duration(7_200.0), "2 hours"),
    ],
)
def test_what_is_counted_agrees_with_its_number(said: str, expected: str) -> None:
    assert said == expected
