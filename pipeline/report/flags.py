"""What a build looks for in scenes and pixels, what it asks of them, and how many locations fell short."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.funnel import NO_PIXELS, NO_SCENES, NOTHING_THERE, STILL_TO_COME, funnel
from pipeline.report.gather import RunRecord
from pipeline.schema.records import N_SEASONS, QualityRecord, Verdict

LOOKED_FOR: Final[Mapping[str, Mapping[str, str]]] = {
    "seasons": {
        "no S2 scene": "No Sentinel-2 scene covers the patch near the season's date with few enough clouds",
        "no DW label": "The Sentinel-2 scene has no Dynamic World image",
        "no S1 scene": "No Sentinel-1 scene covers the patch near the season's date",
    },
    "export": {},
    "quality": {
        "S2 nodata": "Sentinel-2 did not observe enough of the patch, for example at a scene's edge",
        "S2 offset": "Digital numbers still carry the offset of processing baseline 04.00",
        "S1 nodata": "Sentinel-1 did not observe enough of the patch",
        "S1 border noise": "Strips of noise where a Sentinel-1 swath ends",
        "too few labels": "Dynamic World masked too much, for example clouds and their shadows",
        "S1-S2 shift": "Sentinel-1 lies too far from Sentinel-2, by the correlation of their edges",
    },
}
"""What each stage looks for and what it means (pipeline/seasons.py, pipeline/quality.py)."""

MISHAPS: Final[Mapping[str, str]] = {
    NO_SCENES: "The source could not say which scenes there are",
    NO_PIXELS: "The source refused or failed, and the recipe allows a share of such locations",
    NOTHING_THERE: "The source answered that it has no pixels",
    STILL_TO_COME: "Asked for again by the next run",
}
"""Reasons that nothing is looked for by; shown where they came up."""

STAGES: Final = {"seasons": "scenes", "export": "request", "quality": "pixels"}
"""What a stage looks at."""


@dataclass(frozen=True)
class Flag:
    """One thing that was looked for."""

    name: str
    looked_at: str
    """'scenes', 'request' or 'pixels'."""
    meaning: str
    limit: str
    """What the recipe asks for, in words; empty where it asks for nothing in figures."""
    flagged: int
    """Locations that fall short in any season, dropped for this or for something weightier."""
    dropped: int
    """Locations dropped with this as their reason."""
    by_season: tuple[int, ...]
    """Locations a season that fall short in it; empty where it is not a matter of seasons."""


def flag_views(run: RunRecord) -> tuple[Flag, ...]:
    """Every flag of the stages that the build has reached, raised or not, and every mishap that came up."""
    flagged = _flagged(run.verdicts) + _flagged(run.quality)
    limits = _limits(run.recipe)
    flags = []
    for step in funnel(len(run.locations), run.verdicts, run.exports, run.quality)[1:]:
        looked_for = LOOKED_FOR[step.stage] if step.entered else {}
        dropped, seasons = dict(step.reasons), dict(step.by_season)
        for name in dict.fromkeys([*looked_for, *dropped, *seasons]):
            lost = dropped.get(name, 0)
            flags.append(
                Flag(
                    name=name,
                    looked_at=STAGES[step.stage],
                    meaning=looked_for.get(name, MISHAPS.get(name, "")),
                    limit=limits.get(name, ""),
                    flagged=max(flagged[name], lost),
                    dropped=lost,
                    by_season=() if step.stage == "export" else seasons.get(name, (0,) * N_SEASONS),
                )
            )
    return tuple(flags)


def _flagged(judged: Iterable[Verdict | QualityRecord]) -> Counter[str]:
    """Locations by what they lack in any season."""
    counts: Counter[str] = Counter()
    for record in judged:
        counts.update({lack.what for lack in record.lacking} or ({record.reason} if not record.kept else set()))
    return counts


def _limits(recipe: Mapping[str, Any]) -> dict[str, str]:
    """What the recipe asks for, by flag; a recipe of another make has no limits to show."""
    seasons, quality = (_section(recipe, name) for name in ("seasons", "quality"))
    words = {
        "no S2 scene": _words("under {} % cloud", seasons.get("cloud_max_pct")),
        "S2 nodata": _words("{} of the pixels observed", _percent(quality.get("s2_min_valid_share"))),
        "S2 offset": _words("darkest band under {}", quality.get("s2_max_dark_level")),
        "S1 nodata": _words("{} of the pixels observed", _percent(quality.get("s1_min_valid_share"))),
        "S1 border noise": _words("at most {} of the pixels", _percent(quality.get("s1_max_border_share"))),
        "too few labels": _words("{} of the pixels labelled", _percent(quality.get("dw_min_valid_share"))),
        "S1-S2 shift": _words("at most {} m", quality.get("s1_max_shift_m")) or "measured, drops nothing",
    }
    return words if quality else {name: said for name, said in words.items() if name == "no S2 scene"}


def _section(recipe: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = recipe.get(name)
    return found if isinstance(found, Mapping) else {}


def _percent(share: Any) -> str | None:
    return f"{100 * share:g} %" if isinstance(share, int | float) else None


def _words(pattern: str, value: Any) -> str:
    return "" if value is None else pattern.format(f"{value:g}" if isinstance(value, int | float) else value)
