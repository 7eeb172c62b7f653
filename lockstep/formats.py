"""Numbers as people read them: every way in which the house writes one."""

import math

BARS = "▁▂▃▄▅▆▇█"


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


def counted(number: int | str, noun: str, plural: str = "") -> str:
    """`1 trial`, `2 trials`, `1,000 trials`; of a number that is written already, the same. plural: if not by an s."""
    text = number if isinstance(number, str) else f"{number:,}"
    return f"{text} {noun}" if text == "1" else f"{text} {plural or f'{noun}s'}"


def duration(seconds: float) -> str:
    """`40 seconds`, `12 minutes`, `5.3 hours`, `2.1 days`."""
    for unit, size in (("day", 86_400.0), ("hour", 3_600.0), ("minute", 60.0)):
        if seconds >= 1.5 * size:
            return counted(f"{seconds / size:.2g}", unit)
    return counted(f"{seconds:.2g}", "second")


def age(seconds: float) -> str:
    """`40 s`, `12 min`, `5 h`, `3 d`: how long ago, in the fewest characters."""
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def memory(size: float) -> str:
    """Bytes as `370 MB`, `25 GB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size:.0f} bytes"


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


def minutes_text(minutes: float | None) -> str:
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


def compact(number: float) -> str:
    """A number in at most five characters: 950, 12.3k, 4.56M."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if abs(number) >= size:
            scaled = number / size
            return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 100 else 0}f}{unit}"
    return f"{number:.0f}"


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}h{minutes % 60:02d}m" if minutes >= 60 else f"{minutes}m{rest:02d}s"


def sparkline(values: list[float], width: int) -> str:
    """The last `width` values as bars between 0 (or the lowest) and the highest of all."""
    low, high = min(0.0, *values, 0.0), max(values)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((value - low) * scale)] for value in values[-width:])


def gib(size: float) -> str:
    """Bytes as the system counts them: `370 MiB`, `1.4 GiB`."""
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.0f} MiB"


def axis_label(number: float) -> str:
    """An axis label: 950, 12.5k, 20M, −50."""
    unit, size = next((known for known in (("M", 1e6), ("k", 1e3)) if abs(number) >= known[1]), ("", 1.0))
    return f"{number / size:g}{unit}".replace("-", "−")
