"""OSM land use on a tile's own pixels: classes 1..13 or no label. Class codes are counted, never interpolated."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.osm_lattice import plan_windows
from pipeline.osm_rasters import OsmRasters, OsmRasterSettings
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE, N_OSM_CLASSES
from pipeline.sources.wms import MapService
from pipeline.sources.wms_legend import BLENDED
from pipeline.sources.wms_settings import WmsSettings

OsmSourceSettings = Annotated[WmsSettings | OsmRasterSettings, Field(discriminator="kind")]
"""Where a recipe says that land use comes from."""


class OsmMaps:
    """OSM land use from a map service."""

    def __init__(self, service: MapService, settings: WmsSettings) -> None:
        self._service = service
        self._settings = settings

    def labels(self, grid: PixelGrid, about: str = "") -> NDArray[np.uint8]:
        """OSM classes 1..13 or IGNORE, (height, width), on the tile's own grid.

        Every map pixel votes for its class, or for no label, in the pixel of the tile that its centre lies in; one
        whose colour is blended does not vote. Raises SourceError, or UsageError for a service that does not fit.
        """
        settings = self._settings
        votes = np.zeros((grid.height_px * grid.width_px, N_OSM_CLASSES + 1), dtype=np.int64)
        for placed in plan_windows(grid, settings.crs, settings.oversampling, self._service.offer().max_px):
            votes += count_votes(self._service.codes(placed.window, about), placed.pixels(grid), len(votes))
        return elect(votes).reshape(grid.height_px, grid.width_px)


def osm_labels(grid: PixelGrid, source: OsmMaps | OsmRasters, about: str = "") -> NDArray[np.uint8]:
    """OSM classes 1..13 or IGNORE, (height, width), on a tile's own grid; `about` names the tile in the ledger."""
    return source.labels(grid, about)


def count_votes(codes_HW: NDArray[np.uint8], pixel_HW: NDArray[np.int64], pixels: int) -> NDArray[np.int64]:
    """Votes (pixels, 14) of map pixels: column 0 for no label, 1..13 for the classes.

    `codes_HW` holds 1..13, IGNORE, or BLENDED, which does not vote; `pixel_HW` the tile's pixel of each, or -1.
    """
    voting = (pixel_HW >= 0) & (codes_HW != BLENDED)
    code = codes_HW[voting]
    place = pixel_HW[voting] * (N_OSM_CLASSES + 1) + np.where(code == IGNORE, 0, code)
    counted = np.bincount(place, minlength=pixels * (N_OSM_CLASSES + 1))
    return counted.reshape(pixels, N_OSM_CLASSES + 1)


def elect(votes: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The class of more than half of each pixel's votes, (pixels,); IGNORE where no class has so many."""
    most = votes.argmax(axis=1)
    elected = (most > 0) & (2 * votes[np.arange(len(votes)), most] > votes.sum(axis=1))
    return np.where(elected, most, IGNORE).astype(np.uint8)
