"""Read a finished data set from Python: the whole of it, one patch on the map, a GeoTIFF for a GIS."""

from pipeline.reading.dataset import open_dataset
from pipeline.reading.geotiff import save_geotiff
from pipeline.reading.patch import open_patch

__all__ = ["open_dataset", "open_patch", "save_geotiff"]
