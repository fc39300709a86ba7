"""The funnel in funnel.json: how many locations or tiles every step let through, and why the others went."""

from collections.abc import Sequence
from typing import Any, Final

from pipeline.funnel_step import WORDS, FunnelStep

FUNNEL_FILE: Final = "funnel.json"
"""In the manifest; dropped.parquet names each that went."""


def funnel_record(steps: Sequence[FunnelStep]) -> dict[str, Any]:
    """The funnel as plain data: reasons and lacks the commonest first, as everywhere.

    'dropped' adds up to entered less kept; 'lacking' counts a location for everything that any season of it lacks.
    """
    return {
        "steps": [
            {
                "stage": step.stage,
                "kept_are": WORDS[step.stage],
                "entered": step.entered,
                "kept": step.kept,
                "dropped": dict(step.reasons),
                "lacking": {what: list(counts) for what, counts in step.by_season},
            }
            for step in steps
        ]
    }
