"""Numbers as people say them."""


def rounded(value: float) -> str:
    """`1.7`, `170`, `50,000`, `2.3 million`."""
    if value != value:
        return "unknown"
    size = abs(value)
    if size >= 9_950_000:
        return f"{value / 1e6:,.0f} million"
    if size >= 1e6:
        return f"{value / 1e6:.2g} million"
    if size >= 9.95:
        return f"{value:,.0f}"
    return f"{value:.2g}"


def as_override(value: float) -> str:
    """A number as an override is written: `5_000_000`, `0.001`."""
    return f"{int(value):_}" if value == int(value) and abs(value) >= 1 else f"{value:g}"


def round_up(value: float) -> int:
    """The next number of the kind 1, 2, 5 times a power of ten: what one would type."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if size * factor >= value:
                return size * factor
        size *= 10


def percent(value: float) -> str:
    """`37 %`, `0.4 %`, never broken at the end of a line."""
    return f"{100 * value:.0f}\u00a0%" if value >= 0.0995 or value == 0 else f"{100 * value:.2g}\u00a0%"


def duration(seconds: float) -> str:
    """`40 seconds`, `12 minutes`, `5.3 hours`, `2.1 days`."""
    for unit, size in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.2g} seconds"


def memory(size: float) -> str:
    """Bytes as `370 MB`, `25 GB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size:.0f} bytes"
