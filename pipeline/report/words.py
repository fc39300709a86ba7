"""Figures in words: the filters of the template."""

import math

from pipeline.quantities import duration as duration
from pipeline.quantities import size as size


def percent(value: float | None, digits: int = 1) -> str:
    """0.7123 -> '71.2 %', with a thin space that does not break; a dash where there is no value."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{100 * value:.{digits}f}\u202f%"


def decimal(value: float | None, digits: int = 3) -> str:
    """A number with so many decimals; a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def figure(value: float | None, digits: int = 4) -> str:
    """A measured figure with so many significant digits and no power of ten; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0) if value else 0
    return f"{value:,.{min(decimals, 6)}f}".replace(",", "\u202f").replace("-", "\u2212")


def count(value: int) -> str:
    """1234567 -> '1 234 567', with thin spaces that do not break."""
    return f"{value:,}".replace(",", "\u202f")


def shade(value: float | None) -> str:
    """A share as a whole percentage, for the shade of a table cell."""
    if value is None or not math.isfinite(value):
        return "0%"
    return f"{round(100 * min(max(value, 0.0), 1.0))}%"


def position(lat_deg: float, lon_deg: float) -> str:
    """A place in words, for example 48.85° N, 2.35° E."""
    north, east = "N" if lat_deg >= 0 else "S", "E" if lon_deg >= 0 else "W"
    return f"{abs(lat_deg):.2f}° {north}, {abs(lon_deg):.2f}° {east}"
