"""Numbers as a reader wants them."""

import math


def decimal(value: float | None, digits: int = 2) -> str:
    """2.52, −0.30, or a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


def plus_minus(mean: float | None, std: float | None) -> str:
    """2.52 ± 1.01; the mean alone where no deviation is known."""
    return decimal(mean) if std is None else f"{decimal(mean)} ± {decimal(std)}"


def steps(value: float | None) -> str:
    """12.1M, 300k, 950; `not reached` where infinite."""
    if value is None:
        return "–"
    if math.isinf(value):
        return "not reached"
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}" if value < 1000 * size else f"{value / size:,.0f}{unit}"
    return f"{value:.0f}"


def duration(minutes: float | None) -> str:
    """15 s, 3.4 min, 2 h 05 min; `not reached` where infinite."""
    if minutes is None:
        return "–"
    if math.isinf(minutes):
        return "not reached"
    if minutes < 1:
        return f"{minutes * 60:.0f} s"
    if minutes < 100:
        return f"{minutes:.1f} min"
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest:02d} min"


def listed(words: list[str]) -> str:
    """a; a and b; a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
