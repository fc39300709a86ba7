"""The land of the Earth, as a background for maps."""

import json
from importlib.resources import files

import geopandas as gpd
from shapely.geometry import shape


def land() -> gpd.GeoDataFrame:
    """One row a land mass, without Antarctica, in degrees (OGC:CRS84): Natural Earth 1:110 m, public domain."""
    outline = json.loads(files("pipeline.report").joinpath("land.json").read_text())
    return gpd.GeoDataFrame(geometry=list(shape(outline).geoms), crs="OGC:CRS84")
