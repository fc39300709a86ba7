"""Lists of 'kind:rate' pairs, as the command line gives faults and flaws."""

from enum import StrEnum
from typing import TypeVar

from pipeline.schema.errors import UsageError

Kind = TypeVar("Kind", bound=StrEnum)


def parse_rates(spec: str, kinds: type[Kind], what: str, example: str) -> dict[Kind, float]:
    """Read pairs like 'a:0.05,b:0.02', each rate in 0..1; an empty spec has none.

    Raises UsageError, which names `what` was read and gives the `example`.
    """
    rates: dict[Kind, float] = {}
    for item in filter(None, (part.strip() for part in spec.split(","))):
        kind, _, rate = item.partition(":")
        try:
            known, share = kinds(kind.strip()), float(rate)
        except ValueError:
            accepted = f"kind:rate pairs such as '{example}', with kind one of " + ", ".join(kinds)
            raise UsageError(f"{what} '{item}' is not understood; accepted: {accepted}") from None
        if known in rates:
            raise UsageError(f"{what} '{known}' is given twice; give each kind once")
        if not 0.0 <= share <= 1.0:
            raise UsageError(f"{what} '{item}': the rate must lie in 0..1")
        rates[known] = share
    return rates
