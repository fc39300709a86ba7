"""Votes and elections, and land use through the emulator's map service against the planet's own."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pipeline.emulator.faults import parse_faults
from pipeline.emulator.land_use import land_use, qualities
from pipeline.emulator.planet import Planet
from pipeline.emulator.server import EmulatorServer
from pipeline.emulator.wms import LandUseService
from pipeline.osm import OsmMaps, count_votes, elect, osm_labels
from pipeline.schema.grid import PixelGrid, patch_grid
from pipeline.schema.landcover import IGNORE
from pipeline.sources.wms import MapService
from pipeline.sources.wms_legend import BLENDED
from pipeline.sources.wms_settings import WmsSettings

SEED = 7
TILES = {
    "town": patch_grid(100.5, 13.7, 160),
    "fields": patch_grid(11.5, 48.1, 160),
    "across 180 degrees": patch_grid(179.999, -16.6, 120),
    "where nobody maps": patch_grid(100.0, 15.0, 60),
    "another zone's grid": PixelGrid(32631, 838_000.0, 5_340_000.0, 120, 120),
}


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    faults = parse_faults("429:0.05,503:0.05,reset:0.05,truncate:0.05,badpixels:0.05")
    with EmulatorServer(Planet(SEED), faults=faults, fault_seed=3, map_service=LandUseService(SEED)) as running:
        yield running


@pytest.mark.parametrize(
    ("tile", "version", "crs"),
    [
        ("town", "1.3.0", "EPSG:3857"),
        ("fields", "1.3.0", "EPSG:4326"),
        ("across 180 degrees", "1.1.1", "EPSG:4326"),
        ("where nobody maps", "1.1.1", "EPSG:3857"),
        ("another zone's grid", "1.1.1", "EPSG:3857"),
    ],
)
def test_labels_from_the_service_are_the_planets_land_use(
    server: EmulatorServer, tile: str, version: str, crs: str
) -> None:
    settings = WmsSettings.model_validate({"version": version, "crs": crs, "per_second": 50, "max_px": 256})
    service = MapService(settings, url=f"{server.url}/wms")
    labels = osm_labels(TILES[tile], OsmMaps(service, settings))
    service.close()
    truth = land_use(SEED, TILES[tile])
    interior = ndimage.minimum_filter(truth, 3) == ndimage.maximum_filter(truth, 3)
    assert interior.sum() > 1000
    assert (labels == truth)[interior].mean() > 0.999
    if tile != "another zone's grid":  # there the map's pixels are not the tile's
        assert (labels == truth).mean() > 0.999


def test_those_tiles_hold_all_kinds_of_squares() -> None:
    assert qualities(SEED, TILES["fields"]) == {"good"}
    assert qualities(SEED, TILES["across 180 degrees"]) == {"wrong"}
    assert qualities(SEED, TILES["where nobody maps"]) == {"empty"}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([1, 5, 13, IGNORE, BLENDED]), st.integers(-1, 3)), max_size=40))
def test_a_class_needs_more_than_half_of_a_pixels_votes(cast: list[tuple[int, int]]) -> None:
    codes = np.array([[code for code, _ in cast]], dtype=np.uint8)
    places = np.array([[place for _, place in cast]], dtype=np.int64)
    elected = elect(count_votes(codes, places, 4))
    for pixel in range(4):
        here = [code for code, place in cast if place == pixel and code != BLENDED]
        winners = [code for code in (1, 5, 13) if 2 * here.count(code) > len(here)]
        assert elected[pixel] == (winners[0] if winners else IGNORE)
