"""Sizes and times in words."""

import math


def size(byte_count: float) -> str:
    """A size in decimal units, three significant digits."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if byte_count < 999.5 or unit == "TB":
            return f"{byte_count:.3g} {unit}"
        byte_count /= 1000
    raise AssertionError(byte_count)


def rate(per_s: float) -> str:
    """A rate as '1.5/s', or by the minute or the hour where it is less than one: '12/min', '3.2/h'."""
    for unit, seconds in (("s", 1), ("min", 60)):
        if per_s * seconds >= 0.995:
            return f"{per_s * seconds:.3g}/{unit}"
    return f"{per_s * 3600:.3g}/h"


def duration(seconds: float | None) -> str:
    """Seconds as '12 s', '4 min 05 s', '3 h 07 min' or '2 d 03 h'; a dash where there is none."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.3g} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"
