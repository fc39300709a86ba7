"""Date.* and DateRange.*, in UTC."""

import math
from typing import Any

from pipeline.emulator import timeline
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError
from pipeline.emulator.timeline import UNIT_MS, unit_of
from pipeline.emulator.values import DateSpan, Moment


def _utc_only(zone: str | None) -> None:
    if zone not in (None, "UTC", "GMT", "Etc/UTC"):
        raise RequestError(f"Date: the time zone '{zone}' is not served by this emulator; use UTC.")


def _instant(value: Any) -> float:
    """Milliseconds of a Date, a number or a text."""
    if isinstance(value, Moment):
        return value.ms
    if isinstance(value, str):
        return timeline.parse_date(value)
    if isinstance(value, int | float):
        return float(value)
    raise RequestError("Date: a date is a number of milliseconds, a text such as '1996-01-01', or a Date.")


@serves("Date")
def date(value: Any, zone: str | None) -> Moment:
    """A date from milliseconds or text."""
    _utc_only(zone)
    if value is None:
        raise RequestError("Date: Parameter 'value' is required and may not be null.")
    return Moment(_instant(value))


@serves("Date.fromYMD")
def from_ymd(year: int, month: int, day: int, zone: str | None) -> Moment:
    """Midnight of a day."""
    _utc_only(zone)
    return Moment(timeline.from_fields(year=year, month=month, day=day))


@serves("Date.advance")
def advance(moment: Moment, delta: float, unit: str, zone: str | None) -> Moment:
    """Later, or earlier, by some units."""
    _utc_only(zone)
    return Moment(timeline.advance(moment.ms, delta, unit_of(unit)))


@serves("Date.difference")
def difference(moment: Moment, start: Moment, unit: str) -> float:
    """moment - start, in units of average length."""
    return (moment.ms - start.ms) / UNIT_MS[unit_of(unit)]


@serves("Date.format")
def format_(moment: Moment, pattern: str | None, zone: str | None) -> str:
    """As text."""
    _utc_only(zone)
    return timeline.format_date(moment.ms, pattern)


@serves("Date.parse")
def parse(pattern: str, text: str, zone: str | None) -> Moment:
    """From text in a pattern."""
    _utc_only(zone)
    return Moment(timeline.parse_with(pattern, text))


@serves("Date.millis")
def millis(moment: Moment) -> int:
    """Milliseconds since 1970."""
    return round(moment.ms)


@serves("Date.get")
def get(moment: Moment, unit: str, zone: str | None) -> int:
    """One field of the date."""
    _utc_only(zone)
    utc, name = timeline.to_datetime(moment.ms), unit_of(unit)
    return utc.isocalendar().week if name == "week" else int(getattr(utc, name))


@serves("Date.getRelative")
def get_relative(moment: Moment, unit: str, in_unit: str, zone: str | None) -> int:
    """The 0-based number of the unit within a larger one."""
    _utc_only(zone)
    name, outer = unit_of(unit), unit_of(in_unit)
    utc = timeline.to_datetime(moment.ms)
    if name == "month":
        return utc.month - 1
    return int((moment.ms - timeline.floor_to(moment.ms, outer)) // UNIT_MS[name])


def _unit_span(ms: float, unit: str) -> DateSpan:
    start = timeline.floor_to(ms, unit)
    return DateSpan(start, timeline.advance(start, 1, unit))


@serves("Date.getRange")
def get_range(moment: Moment, unit: str, zone: str | None) -> DateSpan:
    """The unit that contains the date."""
    _utc_only(zone)
    return _unit_span(moment.ms, unit_of(unit))


@serves("Date.getFraction")
def get_fraction(moment: Moment, unit: str, zone: str | None) -> float:
    """The share of the unit that has passed, 0..1."""
    _utc_only(zone)
    span = _unit_span(moment.ms, unit_of(unit))
    return (moment.ms - span.start_ms) / (span.end_ms - span.start_ms)


@serves("Date.unitRatio")
def unit_ratio(numerator: str, denominator: str) -> float:
    """Length of one unit in another."""
    return UNIT_MS[unit_of(numerator)] / UNIT_MS[unit_of(denominator)]


@serves("Date.update")
def update(moment: Moment, *fields: Any) -> Moment:
    """With some fields replaced: year, month, day, hour, minute, second; then the time zone."""
    *given, zone = fields
    _utc_only(zone)
    utc = timeline.to_datetime(moment.ms)
    names = ("year", "month", "day", "hour", "minute", "second")
    changes = {n: int(v) for n, v in zip(names, given, strict=True) if v is not None}
    changed = {n: getattr(utc, n) for n in names} | changes
    return Moment(timeline.from_fields(**changed) + utc.microsecond // 1000)


@serves("DateRange")
def date_range(start: Any, end: Any, zone: str | None) -> DateSpan:
    """[start, end), or one millisecond where no end is given."""
    _utc_only(zone)
    begins = _instant(start)
    return DateSpan(begins, begins + 1 if end is None else _instant(end))


@serves("DateRange.start")
def start(span: DateSpan) -> Moment:
    """The inclusive start."""
    return Moment(span.start_ms)


@serves("DateRange.end")
def end(span: DateSpan) -> Moment:
    """The exclusive end."""
    return Moment(span.end_ms)


@serves("DateRange.contains")
def contains(span: DateSpan, other: Any) -> bool:
    """Whether a date or a range lies within."""
    if isinstance(other, DateSpan):
        return span.start_ms <= other.start_ms and other.end_ms <= span.end_ms
    return span.start_ms <= _instant(other) < span.end_ms


@serves("DateRange.intersects")
def intersects(span: DateSpan, other: DateSpan) -> bool:
    """Whether they share an instant."""
    return not is_empty(intersection(span, other))


@serves("DateRange.intersection")
def intersection(span: DateSpan, other: DateSpan) -> DateSpan:
    """What both cover."""
    return DateSpan(max(span.start_ms, other.start_ms), min(span.end_ms, other.end_ms))


@serves("DateRange.union")
def union(span: DateSpan, other: DateSpan) -> DateSpan:
    """The smallest range around both."""
    return DateSpan(min(span.start_ms, other.start_ms), max(span.end_ms, other.end_ms))


@serves("DateRange.isEmpty")
def is_empty(span: DateSpan) -> bool:
    """Whether it holds no instant."""
    return span.start_ms >= span.end_ms


@serves("DateRange.isUnbounded")
def is_unbounded(span: DateSpan) -> bool:
    """Whether it holds every instant."""
    return math.isinf(span.start_ms) and math.isinf(span.end_ms)


@serves("DateRange.unbounded")
def unbounded() -> DateSpan:
    """All of time."""
    return DateSpan(-math.inf, math.inf)
