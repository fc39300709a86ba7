"""What became of every sampled location, as points with columns."""

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd

from pipeline.report.gather import RunRecord
from pipeline.report.worldmap import fates


def placed_fates(run: RunRecord) -> gpd.GeoDataFrame:
    """A row for each sampled location, in the order of sampling, points in degrees (OGC:CRS84).

    Columns: location_id; fate, which is 'kept', the reason that the funnel counts, or 'not finished'; detail, which
    season failed by how much, empty where that is not known; dw_valid_share, the least share of labelled pixels of
    its seasons, 0..1, missing where no pixels were fetched.
    """
    fate, detail = fates(run), _details(run)
    shares = {quality.location_id: min(quality.dw_valid_share) for quality in run.quality}
    ids = [place.location_id for place in run.locations]
    points = gpd.points_from_xy([p.lon_deg for p in run.locations], [p.lat_deg for p in run.locations])
    columns = {
        "location_id": ids,
        "fate": [fate[place] for place in ids],
        "detail": [detail.get(place, "") for place in ids],
        "dw_valid_share": pd.array([shares.get(place) for place in ids], dtype="Float64"),
    }
    return gpd.GeoDataFrame(columns, geometry=points, crs="OGC:CRS84")


def _details(run: RunRecord) -> Mapping[str, str]:
    """Of the locations that went, the words of the filter that they failed last."""
    matched = {verdict.location_id: verdict.detail for verdict in run.verdicts if not verdict.kept}
    exported = {record.location_id: record.failure_message for record in run.exports if record.failure_kind}
    return matched | exported | {quality.location_id: quality.detail for quality in run.quality if not quality.kept}
