"""Whether the scenes that the index names are ones that there can be, and agree with what is said beside them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import ValidationError

from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.index_rows import DOWNSTREAM, IndexRows
from pipeline.manifest.verify.tree import PublishedTree
from pipeline.season_windows import SeasonSettings

FORMS: Final = {
    "s2_id": r"COPERNICUS/S2_HARMONIZED/(?P<index>(?P<time>\d{8}T\d{6})_\d{8}T\d{6}_T(?P<tile>\d{2}[C-X][A-Z]{2}))",
    "s1_id": r"COPERNICUS/S1_GRD/(?P<index>S1[A-D]_IW_GRD[A-Z]_1S[A-Z]{2}_(?P<time>\d{8}T\d{6})_\d{8}T\d{6}_.+)",
    "dw_id": r"GOOGLE/DYNAMICWORLD/V1/(?P<index>(?P<time>\d{8}T\d{6})_\d{8}T\d{6}_T\d{2}[C-X][A-Z]{2})",
}
"""Asset ids (Earth Engine catalogue, pages of the three collections)."""

CLAIMED: Final = {"s2_id": pd.Timedelta(hours=1), "s1_id": pd.Timedelta(minutes=1)}
"""How far a scene's time lies from that in its id at most. Sentinel-2's id bears the beginning of the data take, at
most 15,000 km long (Sentinel-2 Products Specification, 'datatake'): 37 minutes; Sentinel-1's that of the scene."""

LAUNCHED: Final = {"s2": pd.Timestamp("2015-06-23", tz="UTC"), "s1": pd.Timestamp("2014-04-03", tz="UTC")}
"""Day on which the first satellite of each kind was launched (ESA mission pages)."""

PASSES: Final = ("ASCENDING", "DESCENDING")
ORBITS: Final = 175
"""Of Sentinel-1, until it repeats them (Sentinel-1 Mission Guide, orbit)."""

_FORMAT: Final = "%Y%m%dT%H%M%S"


def scene_findings(tree: PublishedTree, rows: IndexRows) -> Iterator[Finding]:
    """Ids of no scene's form, times and tiles other than an id's, scenes of no season, values that cannot be."""
    parts = {name: _parts(rows.frame[name], form) for name, form in FORMS.items()}
    for name, found in parts.items():
        malformed = rows.frame[name].notna() & found["moment"].isna()
        yield from rows.findings("index", malformed, f"{name} '{{{name}}}' is no asset id of its collection", name)
    yield from _named(tree, rows)
    yield from _agreeing(rows, parts)
    yield from _ranges(rows)
    yield from _seasons(tree, rows)


def _parts(ids: pd.Series, form: str) -> pd.DataFrame:
    """What ids say: index, time, tile where there is one, and `moment`, the time read; null where it says nothing."""
    found = pc.extract_regex(pa.array(ids, pa.string(), from_pandas=True), f"^{form}$")
    told: pd.DataFrame = pa.table(dict(zip(found.type.names, found.flatten(), strict=True))).to_pandas()
    told["moment"] = pd.to_datetime(told["time"], format=_FORMAT, utc=True, errors="coerce")
    return told


def _named(tree: PublishedTree, rows: IndexRows) -> Iterator[Finding]:
    """Scenes without a time or the other way round, and pretraining seasons that lack one."""
    frame = rows.frame
    for sensor in ("s2", "s1"):
        apart = frame[f"{sensor}_id"].isna() != frame[f"{sensor}_datetime"].isna()
        yield from rows.findings("index", apart, f"{sensor}_id and {sensor}_datetime: one is null, the other is not")
    built = {store for store, arrays in tree.arrays.items() if arrays and DOWNSTREAM not in arrays}
    pretraining = frame["store"].isin(built)
    labelled = frame["label_source"].notna()
    for name, wanted in (("s2_id", pretraining), ("s1_id", pretraining), ("dw_id", pretraining & labelled)):
        yield from rows.findings("index", wanted & frame[name].isna(), f"{name} is null, expected a scene")


def _agreeing(rows: IndexRows, parts: Mapping[str, pd.DataFrame]) -> Iterator[Finding]:
    """Times and tiles as the ids claim, and the label image of the very scene."""
    frame = rows.frame
    for name, most in CLAIMED.items():
        column = f"{name[:2]}_datetime"
        apart = (frame[column] - parts[name]["moment"]).abs() > most
        what = f"{column} {{{column}}} is not that of {{{name}}}"
        yield from rows.findings("index", apart, what, column, name)
    tile = parts["s2_id"]["tile"]
    other = (frame["s2_tile"].notna() & tile.notna() & (frame["s2_tile"] != tile)).fillna(False)
    yield from rows.findings("index", other, "s2_tile {s2_tile} is not that of {s2_id}", "s2_tile", "s2_id")
    s2, dw = parts["s2_id"]["index"], parts["dw_id"]["index"]
    # A Dynamic World image bears the index of its Sentinel-2 scene (Brown et al. 2022, 'Data Records').
    other = (s2.notna() & dw.notna() & (s2 != dw)).fillna(False)
    yield from rows.findings("index", other, "dw_id {dw_id} was not made from {s2_id}", "dw_id", "s2_id")


def _ranges(rows: IndexRows) -> Iterator[Finding]:
    frame = rows.frame
    now = pd.Timestamp(datetime.now(UTC))
    for sensor, first in LAUNCHED.items():
        column = f"{sensor}_datetime"
        wrong = (frame[column] < first) | (frame[column] > now)
        yield from rows.findings("index", wrong, f"{column} {{{column}}}, expected {first:%Y-%m-%d} to today", column)
    for column, low, high in (("cloud_pct", 0, 100), ("label_valid_frac", 0, 1), ("s1_relative_orbit", 1, ORBITS)):
        values = frame[column].to_numpy(np.float64, na_value=np.nan)
        beyond = (values < low) | (values > high)
        yield from rows.findings("index", beyond, f"{column} {{{column}}}, expected {low}..{high}", column)
    for column, form in (("s1_orbit_pass", "|".join(PASSES)), ("processing_baseline", r"\d\d\.\d\d")):
        fitting = pc.match_substring_regex(pa.array(frame[column], pa.string(), from_pandas=True), f"^({form})$")
        unfit = pc.invert(fitting).fill_null(False).to_numpy(zero_copy_only=False)
        yield from rows.findings("index", unfit, f"{column} '{{{column}}}', expected {form}", column)


def _seasons(tree: PublishedTree, rows: IndexRows) -> Iterator[Finding]:
    """Scenes of no season of the recipe, where the provenance holds one that says when these are."""
    recipe = tree.provenance.get("recipe")
    plain = recipe.get("seasons") if isinstance(recipe, dict) else None
    try:
        settings = None if plain is None else SeasonSettings.model_validate(plain)
    except ValidationError:
        return
    if settings is None:
        return
    frame = rows.frame
    for column in ("s2_datetime", "s1_datetime"):
        outside = ~_in_season(frame["season"].to_numpy(), frame[column], settings) & frame[column].notna()
        what = f"{column} {{{column}}} lies outside the recipe's season {{season}}"
        yield from rows.findings("index", outside, what, column, "season")
    if settings.s1_tolerance_days is not None:
        apart = (frame["s1_datetime"] - frame["s2_datetime"]).abs() > pd.Timedelta(days=settings.s1_tolerance_days)
        what = f"s1_datetime {{s1_datetime}} lies over {settings.s1_tolerance_days} days from {{s2_datetime}}"
        yield from rows.findings("index", apart, what, "s1_datetime", "s2_datetime")


def _in_season(seasons: NDArray[Any], moments: pd.Series, settings: SeasonSettings) -> NDArray[np.bool_]:
    """Whether moments lie in a season's window, in its year or one of those fallen back to.

    A location's own shift is not known here: the window is as much longer as it may be.
    """
    if settings.anchors == "listed":
        return np.ones(len(moments), bool)
    inside = np.zeros(len(moments), bool)
    reach = pd.Timedelta(days=settings.window_days)
    for season, anchor in enumerate(settings.anchors):
        for years in range(settings.fallback_years + 1):
            day = pd.Timestamp(anchor, tz="UTC")
            # A shifted date's year is counted back from where it falls: 29 February may become a day less.
            slack = pd.Timedelta(days=1 if years else 0)
            start = day - pd.Timedelta(days=settings.shift_days) - pd.DateOffset(years=years) - reach - slack
            end = day - pd.DateOffset(years=years) + reach + pd.Timedelta(days=1) + slack
            inside |= (seasons == season) & ((moments >= start) & (moments < end)).to_numpy()
    return inside
