"""Times as documents write them."""

import datetime


def utc_text(time: datetime.datetime) -> str:
    """A time in UTC as RFC 3339 has it, to the microsecond where it has any."""
    return time.astimezone(datetime.UTC).replace(tzinfo=None).isoformat() + "Z"
