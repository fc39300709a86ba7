"""Calendar arithmetic on milliseconds since 1970, UTC."""

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from pipeline.emulator.replies import RequestError

UNIT_MS: Final = {
    "second": 1e3,
    "minute": 60e3,
    "hour": 3_600e3,
    "day": 86_400e3,
    "week": 604_800e3,
    "month": 365.25 / 12 * 86_400e3,
    "year": 365.25 * 86_400e3,
}
"""Average length of each unit, milliseconds."""

_JODA: Final = {
    "yyyy": "%Y", "YYYY": "%Y", "MM": "%m", "dd": "%d", "DDD": "%j", "HH": "%H", "mm": "%M", "ss": "%S",
    "SSS": "%f", "MMM": "%b", "EEE": "%a",
}  # fmt: skip
_TOKENS: Final = re.compile(r"'[^']*'|([A-Za-z])\1*|[^A-Za-z']+")


def unit_of(name: str) -> str:
    """A unit's singular name; RequestError where it is no unit."""
    singular = name.lower().removesuffix("s")
    if singular not in UNIT_MS:
        raise RequestError(f"Date: unit '{name}' is unknown; it is one of {', '.join(UNIT_MS)}.")
    return singular


def to_datetime(ms: float) -> datetime:
    """The instant as an aware datetime; RequestError outside the years 1 to 9999."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    except OverflowError:
        raise RequestError(f"Date: {ms:.0f} ms lies outside the years 1 to 9999.") from None


def to_ms(moment: datetime) -> float:
    """Milliseconds since 1970 of an aware datetime."""
    return float(round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)))


def parse_date(text: str) -> float:
    """Milliseconds of '1996', '1996-01', '1996-01-01', '1996-001' or any of them with a time of day."""
    day_of_year = re.fullmatch(r"(\d{4})-(\d{3})", text)
    try:
        if day_of_year:
            return to_ms(datetime.strptime(text + "Z", "%Y-%jZ").replace(tzinfo=UTC))
        padded = re.sub(r"^(\d{4})(-\d{1,2})?$", lambda m: f"{m[1]}{m[2] or '-1'}-1", text)
        padded = re.sub(r"-(\d)(?=\D|$)", r"-0\1", padded)
        moment = datetime.fromisoformat(padded)
    except ValueError:
        raise RequestError(f"Date: '{text}' is not a date such as '1996-01-01' or '1996-01-01T08:00'.") from None
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def from_fields(**fields: int) -> float:
    """Milliseconds of year, month, day, hour, minute and second; RequestError where there is no such day."""
    try:
        return to_ms(datetime(**fields, tzinfo=UTC))
    except ValueError as error:
        raise RequestError(f"Date: {error}.") from None


def floor_to(ms: float, unit: str) -> float:
    """Start of the unit that contains the instant; weeks begin on Monday."""
    moment = to_datetime(ms)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "year":
        return to_ms(day.replace(month=1, day=1))
    if unit == "month":
        return to_ms(day.replace(day=1))
    if unit == "week":
        return to_ms(day - timedelta(days=day.weekday()))
    return ms - ms % UNIT_MS[unit]


def advance(ms: float, delta: float, unit: str) -> float:
    """Add units; months and years follow the calendar (the day is held within the month), the fraction the average."""
    if unit not in ("month", "year"):
        return ms + delta * UNIT_MS[unit]
    whole = int(delta)
    moment = to_datetime(ms)
    months = moment.year * 12 + moment.month - 1 + whole * (12 if unit == "year" else 1)
    year, month = months // 12, months % 12 + 1
    if not 1 <= year <= 9999:
        raise RequestError(f"Date.advance: the year {year} lies outside 1 to 9999.")
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return to_ms(moment.replace(year=year, month=month, day=day)) + (delta - whole) * UNIT_MS[unit]


def format_date(ms: float, pattern: str | None) -> str:
    """Format by a Joda-Time pattern of yyyy MM dd DDD HH mm ss SSS MMM EEE and quoted text."""
    moment = to_datetime(ms)
    if pattern is None:
        return moment.strftime("%Y-%m-%dT%H:%M:%S")
    out = []
    for token in _TOKENS.finditer(pattern):
        code = _strptime(token[0], pattern)
        out.append(f"{moment.microsecond // 1000:03d}" if code == "%f" else moment.strftime(code))
    return "".join(out)


def parse_with(pattern: str, text: str) -> float:
    """Milliseconds of a text in a Joda-Time pattern of the same fields."""
    codes = "".join(_strptime(token[0], pattern) for token in _TOKENS.finditer(pattern))
    try:
        return to_ms(datetime.strptime(text + "Z", codes + "Z").replace(tzinfo=UTC))
    except ValueError:
        raise RequestError(f"Date.parse: '{text}' does not match the pattern '{pattern}'.") from None


def _strptime(token: str, pattern: str) -> str:
    if token.startswith("'"):
        return token.strip("'").replace("%", "%%") or "'"
    if not token[0].isalpha():
        return token.replace("%", "%%")
    if token not in _JODA:
        raise RequestError(f"Date: '{token}' in the pattern '{pattern}' is not served; it serves {', '.join(_JODA)}.")
    return _JODA[token]
