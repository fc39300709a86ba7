"""Matches to pixels: requests planned without I/O, then fetched by a few threads, each patch kept as it arrives."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.checks.arrival import PROBABILITY_UNIT, dw_name, dw_prob_names, s1_names, s2_names, to_patch
from pipeline.schema.bands import DW_LABEL_BAND, DW_PROBABILITY_BANDS, S1_BANDS, S1_NODATA, S2_BANDS, S2_NODATA
from pipeline.schema.errors import SourceError
from pipeline.schema.landcover import IGNORE
from pipeline.schema.records import N_SEASONS, ExportRecord, Location, Patch, SeasonMatch
from pipeline.schema.strict import Strict
from pipeline.sources.protocol import LayerRequest, PixelRequest, Source
from pipeline.sources.splitting import MAX_BANDS, SERVICE_LIMITS, fitted

NO_ROW: Final = -1
"""`ExportRecord.tile_row` of a location whose pixels did not arrive."""

Keep = Callable[[int, Patch], None]
"""Takes the place of a location among those that the filter keeps, and its patch; called by several threads."""


class ExportSettings(Strict):
    """How pixels are fetched."""

    concurrency: int = Field(default=4, gt=0, le=40)
    """Locations that a part has under way at once; what the whole build asks for at once is the source's pace."""
    optical_resampling: Literal["nearest", "bilinear"] = "bilinear"
    """Brings the 20 m and 60 m bands of Sentinel-2 to 10 m."""
    radar_resampling: Literal["nearest", "bilinear"] = "bilinear"
    """Brings Sentinel-1 to the patch's grid."""
    dw_probabilities: bool = False
    """Fetch the nine class probabilities too, for soft labels: `dw_prob` in the store, a quarter more bytes."""
    request_bands: int = Field(default=MAX_BANDS, gt=0, le=MAX_BANDS)
    """Most bands of one request. A request that the service finds too heavy is halved by itself; lower this, to 32 or
    16, where it keeps doing so, and no request is lost on it."""
    max_failed_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the locations whose pixels may lastingly fail before a build stops; those within it are left out."""


def plan_requests(
    location: Location, matches: Sequence[SeasonMatch], settings: ExportSettings | None = None
) -> tuple[PixelRequest, ...]:
    """All four seasons of a location: one request where the limits allow, else by season, sensor and band.

    64 bands (52 S2, 8 S1 and 4 labels) make 9.76 MB at 264 px, the probabilities 36 more and 2.51 MB. Bands are named
    as in pipeline/checks/arrival.py. Raises ValueError where a season is missing or lacks a scene, SourceError
    (permanent) where no request can be as small as the limits want it.
    """
    chosen = settings or ExportSettings()
    ordered = sorted(matches, key=lambda match: match.season)
    if [match.season for match in ordered] != list(range(N_SEASONS)):
        raise ValueError(f"location {location.location_id} needs seasons 0..3, got {[m.season for m in ordered]}")
    layers = tuple(layer for match in ordered for layer in _season_layers(match, chosen))
    limits = replace(SERVICE_LIMITS, max_bands=chosen.request_bands)
    return fitted(PixelRequest(location.location_id, location.grid, layers), limits)


def fetch_patch(location: Location, matches: Sequence[SeasonMatch], settings: ExportSettings, source: Source) -> Patch:
    """The checked pixels of one location, however many requests they take; raises SourceError."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for request in plan_requests(location, matches, settings):
        arrays.update(source.fetch_pixels(request))
    shape = (location.grid.height_px, location.grid.width_px)
    return to_patch(location.location_id, arrays, shape, probabilities=settings.dw_probabilities)


def export_part(
    kept: Sequence[Location],
    matches: Sequence[SeasonMatch],
    settings: ExportSettings,
    source: Source,
    *,
    settled: Mapping[str, ExportRecord],
    keep: Keep,
) -> tuple[ExportRecord, ...]:
    """Fetch the locations that the filter kept, but for the `settled`; a record for each of them, in order.

    Every patch is handed to `keep` as soon as it is there, by the thread that fetched it, and let go. A location
    whose pixels do not arrive becomes a record with the failure; the others go on. That an asset is not found counts
    as a lasting failure, never as 'empty': the service says the same of one that the credentials may not read. Other
    errors than SourceError, refused credentials for one, end the part.
    """
    seasons: dict[str, list[SeasonMatch]] = {location.location_id: [] for location in kept}
    for match in matches:
        if match.location_id in seasons:
            seasons[match.location_id].append(match)

    def export(row: int) -> ExportRecord:
        location = kept[row]
        known = settled.get(location.location_id)
        if known is not None:
            return known
        try:
            patch = fetch_patch(location, seasons[location.location_id], settings, source)
        except SourceError as error:
            return ExportRecord(location.location_id, NO_ROW, error.kind, str(error))
        keep(row, patch)
        return ExportRecord(location.location_id, row, None, "")

    with ThreadPoolExecutor(max_workers=settings.concurrency, thread_name_prefix="export") as pool:
        return tuple(pool.map(export, range(len(kept))))


def _season_layers(match: SeasonMatch, settings: ExportSettings) -> tuple[LayerRequest, ...]:
    if match.s2_id is None or match.s1_id is None or match.dw_id is None:
        raise ValueError(f"location {match.location_id}, season {match.season} lacks {match.lacks}")
    optical = LayerRequest(
        asset_id=match.s2_id,
        bands=S2_BANDS,
        names=s2_names(match.season),
        dtype="uint16",
        resampling=settings.optical_resampling,
        fill=S2_NODATA,
    )
    radar = LayerRequest(
        asset_id=match.s1_id,
        bands=S1_BANDS,
        names=s1_names(match.season),
        dtype="float32",
        resampling=settings.radar_resampling,
        fill=S1_NODATA,
    )
    label = LayerRequest(
        asset_id=match.dw_id,
        bands=(DW_LABEL_BAND,),
        names=(dw_name(match.season),),
        dtype="uint8",
        resampling="nearest",
        fill=IGNORE,
    )
    if not settings.dw_probabilities:
        return (optical, radar, label)
    # Rounded on the server: as bytes they are 2.5 MB instead of 10 MB as float32.
    probabilities = LayerRequest(
        asset_id=match.dw_id,
        bands=DW_PROBABILITY_BANDS,
        names=dw_prob_names(match.season),
        dtype="uint8",
        resampling="nearest",
        fill=0,
        factor=PROBABILITY_UNIT,
    )
    return (optical, radar, label, probabilities)
