"""What became of every sampled location, as points with columns."""

import geopandas as gpd
import pandas as pd

from pipeline.report.fates import details, fates
from pipeline.report.gather import RunRecord


def placed_fates(run: RunRecord) -> gpd.GeoDataFrame:
    """A row for each sampled location, in the order of sampling, points in degrees (OGC:CRS84).

    Columns: location_id; fate, which is 'kept', the reason that the funnel counts, or 'not finished'; detail, which
    season failed by how much, empty where that is not known; dw_valid_share, the least share of labelled pixels of
    its seasons, 0..1, missing where no pixels were fetched.
    """
    fate, said = fates(run), details(run)
    shares = {quality.location_id: min(quality.dw_valid_share) for quality in run.quality}
    ids = [place.location_id for place in run.locations]
    points = gpd.points_from_xy([p.lon_deg for p in run.locations], [p.lat_deg for p in run.locations])
    columns = {
        "location_id": ids,
        "fate": [fate[place] for place in ids],
        "detail": [said.get(place, "") for place in ids],
        "dw_valid_share": pd.array([shares.get(place) for place in ids], dtype="Float64"),
    }
    return gpd.GeoDataFrame(columns, geometry=points, crs="OGC:CRS84")
