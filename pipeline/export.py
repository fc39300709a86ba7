"""Matches to pixels: one request a location, planned without I/O, then fetched by a few threads."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.schema.bands import DW_LABEL_BAND, S1_BANDS, S1_NODATA, S2_BANDS, S2_NODATA
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.records import (
    N_SEASONS,
    Arrays,
    ExportRecord,
    Location,
    Patch,
    SeasonMatch,
    Verdict,
)
from pipeline.schema.strict import Strict
from pipeline.sources.protocol import LayerRequest, PixelRequest, Source

S1_RANGE_DB: Final = (-100.0, 60.0)
"""Backscatter beyond this is a wrong unit, not a measurement: GRD noise lies near -30 dB, cities near +20 dB."""

Pixel = TypeVar("Pixel", bound=np.generic)

NO_ROW: Final = -1
"""`ExportRecord.tile_row` of a location whose pixels did not arrive."""


class ExportSettings(Strict):
    """How pixels are fetched."""

    concurrency: int = Field(default=4, gt=0, le=40)
    """Requests in flight a worker; Earth Engine allows 40 a project by default (guide, 'Usage quotas')."""
    optical_resampling: Literal["nearest", "bilinear"] = "bilinear"
    """Brings the 20 m and 60 m bands of Sentinel-2 to 10 m."""
    radar_resampling: Literal["nearest", "bilinear"] = "bilinear"
    """Brings Sentinel-1 to the patch's grid."""


@dataclass(frozen=True)
class ExportedPart:
    """The pixels of a part, and a record of every location that was asked for."""

    patches: tuple[Patch, ...]
    """Those that arrived, in the order of the locations: row i of the staged tile is patch i."""
    records: tuple[ExportRecord, ...]
    """One for every location that the filter kept, in order."""


def plan_request(
    location: Location, matches: Sequence[SeasonMatch], settings: ExportSettings | None = None
) -> PixelRequest:
    """All four seasons of a location in one request: 52 S2, 8 S1 and 4 label bands, 9.76 MB at 264 px.

    Bands are named s2_<season>_<band>, s1_<season>_<band> and dw_<season>. Raises ValueError where a season
    is missing or lacks a scene.
    """
    chosen = settings or ExportSettings()
    ordered = sorted(matches, key=lambda match: match.season)
    if [match.season for match in ordered] != list(range(N_SEASONS)):
        raise ValueError(f"location {location.location_id} needs seasons 0..3, got {[m.season for m in ordered]}")
    layers = tuple(layer for match in ordered for layer in _season_layers(match, chosen))
    return PixelRequest(location.location_id, location.grid, layers)


def to_patch(location_id: str, arrays: Arrays) -> Patch:
    """Stack a location's named arrays and check them.

    Raises SourceError (permanent) for an array that is missing or has another shape or dtype than planned,
    a label that is no class, or backscatter that cannot be in dB. S1 values that are not finite (no power
    at all is minus infinity in dB) count as not observed.
    """
    shape = next((array.shape for array in arrays.values()), ())
    s2 = np.stack([_stack(location_id, arrays, _s2_names(i), np.uint16, shape) for i in range(N_SEASONS)])
    s1 = np.stack([_stack(location_id, arrays, _s1_names(i), np.float32, shape) for i in range(N_SEASONS)])
    dw = _stack(location_id, arrays, [_dw_name(i) for i in range(N_SEASONS)], np.uint8, shape)
    s1 = np.where(np.isfinite(s1), s1, np.float32(S1_NODATA))
    _check_range(location_id, "S1 backscatter (dB)", s1[s1 != S1_NODATA], *S1_RANGE_DB)
    _check_range(location_id, "Dynamic World class", dw[dw != IGNORE], 0, N_DW_CLASSES - 1)
    return Patch(location_id=location_id, s2=s2, s1=s1, dw=dw)


def export_part(
    locations: Sequence[Location],
    matches: Sequence[SeasonMatch],
    verdicts: Sequence[Verdict],
    settings: ExportSettings,
    source: Source,
    have: Mapping[str, Patch],
) -> ExportedPart:
    """Fetch every location that `verdicts` keep, but for those that `have` holds from an earlier run.

    A location whose pixels do not arrive becomes a record with the failure; the others go on. Other errors
    than SourceError, refused credentials for one, end the part.
    """
    kept_ids = {verdict.location_id for verdict in verdicts if verdict.kept}
    kept = [location for location in locations if location.location_id in kept_ids]
    seasons: dict[str, list[SeasonMatch]] = {location.location_id: [] for location in kept}
    for match in matches:
        if match.location_id in seasons:
            seasons[match.location_id].append(match)

    def fetch(location: Location) -> Patch | SourceError:
        if location.location_id in have:
            return have[location.location_id]
        request = plan_request(location, seasons[location.location_id], settings)
        try:
            return to_patch(location.location_id, source.fetch_pixels(request))
        except SourceError as error:
            return error

    with ThreadPoolExecutor(max_workers=settings.concurrency, thread_name_prefix="export") as pool:
        outcomes = list(pool.map(fetch, kept))
    return _collect(kept, outcomes)


def _collect(kept: Sequence[Location], outcomes: Sequence[Patch | SourceError]) -> ExportedPart:
    patches: list[Patch] = []
    records: list[ExportRecord] = []
    for location, outcome in zip(kept, outcomes, strict=True):
        if isinstance(outcome, SourceError):
            records.append(ExportRecord(location.location_id, NO_ROW, outcome.kind, str(outcome)))
        else:
            records.append(ExportRecord(location.location_id, len(patches), None, ""))
            patches.append(outcome)
    return ExportedPart(tuple(patches), tuple(records))


def _season_layers(match: SeasonMatch, settings: ExportSettings) -> tuple[LayerRequest, ...]:
    if match.s2_id is None or match.s1_id is None or match.dw_id is None:
        raise ValueError(f"location {match.location_id}, season {match.season} lacks {match.lacks}")
    return (
        LayerRequest(
            asset_id=match.s2_id,
            bands=S2_BANDS,
            names=_s2_names(match.season),
            dtype="uint16",
            resampling=settings.optical_resampling,
            fill=S2_NODATA,
        ),
        LayerRequest(
            asset_id=match.s1_id,
            bands=S1_BANDS,
            names=_s1_names(match.season),
            dtype="float32",
            resampling=settings.radar_resampling,
            fill=S1_NODATA,
        ),
        LayerRequest(
            asset_id=match.dw_id,
            bands=(DW_LABEL_BAND,),
            names=(_dw_name(match.season),),
            dtype="uint8",
            resampling="nearest",
            fill=IGNORE,
        ),
    )


def _s2_names(season: int) -> tuple[str, ...]:
    return tuple(f"s2_{season}_{band}" for band in S2_BANDS)


def _s1_names(season: int) -> tuple[str, ...]:
    return tuple(f"s1_{season}_{band}" for band in S1_BANDS)


def _dw_name(season: int) -> str:
    return f"dw_{season}"


def _stack(
    location_id: str,
    arrays: Arrays,
    names: Sequence[str],
    dtype: type[Pixel],
    shape: tuple[int, ...],
) -> NDArray[Pixel]:
    for name in names:
        if name not in arrays:
            raise SourceError(FailureKind.PERMANENT, f"location {location_id}: band {name} did not arrive")
        array = arrays[name]
        if array.dtype != dtype or array.shape != shape or array.ndim != 2:
            raise SourceError(
                FailureKind.PERMANENT,
                f"location {location_id}: band {name} arrived as {array.dtype} {array.shape}, "
                f"expected {np.dtype(dtype)} {shape}",
            )
    return np.stack([arrays[name] for name in names]).astype(dtype, copy=False)


def _check_range(location_id: str, what: str, values: NDArray[np.generic], low: float, high: float) -> None:
    if values.size and not (values.min() >= low and values.max() <= high):
        raise SourceError(
            FailureKind.PERMANENT,
            f"location {location_id}: {what} runs from {values.min()} to {values.max()}, possible are {low} to {high}",
        )
