"""The estimate of an OSM build: as many maps as the tiles need."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.built_tiles import read_built_tiles
from pipeline.osm_plan import estimate_osm, osm_plan_lines
from pipeline.osm_recipe import OsmRecipe
from pipeline.schema.layout import RunLayout
from pipeline.schema.strict import validated


def test_maps_are_counted_over_the_tiles(tmp_path: Path, make_dw_run: Callable[..., RunLayout]) -> None:
    train = {"dw_a": (179.9999, -16.5), "dw_b": (7.0, 46.0)}
    tiles = read_built_tiles(make_dw_run(tmp_path / "dw", train, {"dw_t": (11.0, 5.0)}).root)

    def found(**labels: Any) -> Any:
        recipe = validated(OsmRecipe, {"tiles": "dw", "labels": labels}, "recipe")
        estimate = estimate_osm(recipe, tiles)
        return estimate, "\n".join(osm_plan_lines(estimate, recipe))

    asked, lines = found(kind="wms", url="https://example.org/wms", per_second=0.5)
    assert (asked.tiles, asked.requests, asked.at_least_s) == (3, 6, 12.0), "one tile lies across the 180th meridian"
    assert 3 * (2 * 22) ** 2 < asked.map_pixels < 3 * (2 * 30) ** 2
    assert asked.store_bytes == (2 * 22**2 + 24**2) * 37
    assert "Maps        4 of" in lines
    assert "12 s at 0.5 requests a second" in lines
    none, lines = found(kind="rasters", folder="landuse")
    assert (none.requests, none.at_least_s) == (0, 0.0)
    assert "none: land use is read from rasters" in lines
