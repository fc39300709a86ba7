"""The tiles of a finished run, read back for another set."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.built_tiles import read_built_tiles, read_places
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.grid import patch_grid
from pipeline.schema.layout import RunLayout
from pipeline.tile_arrays import read_tile_row

TRAIN = {"dw_a": (179.999, -16.5), "dw_b": (7.0, 46.0), "dw_c": (7.5, -40.0), "dw_d": (8.0, 46.0)}
TEST = {"dw_t": (11.0, 5.0)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, make_dw_run: Callable[..., RunLayout]) -> RunLayout:
    return make_dw_run(tmp_path_factory.mktemp("dw"), TRAIN, TEST)


def test_tiles_come_with_grid_scenes_and_labels(run: RunLayout) -> None:
    found = read_built_tiles(run.root)
    assert [tile.tile_id for tile in found.tiles] == sorted({**TRAIN, **TEST})
    for tile in found.tiles:
        lon, lat = {**TRAIN, **TEST}[tile.tile_id]
        assert tile.grid == patch_grid(lon, lat, 24 if tile.tile_id == "dw_t" else 22)
        assert tile.centre == pytest.approx((lon, lat), abs=1e-4)
        assert (tile.split, tile.store) == (("test", "dw_test") if tile.tile_id == "dw_t" else ("train", "dw_train"))
        made = f"20190504T10{[*TRAIN, *TEST].index(tile.tile_id):04d}"
        assert tile.pair.s2_id == f"COPERNICUS/S2_HARMONIZED/20190504T100302_{made}_T33TWL"
        assert tile.pair.s1_relative_orbit == 44
        assert np.array_equal(found.dw(tile), read_tile_row(found.store(tile), tile.row)["dw"])
    assert found.digest == json.loads((run.manifest / "provenance.json").read_text())["content_digest"]["dataset"]
    assert found.source == {"kind": "emulator", "seed": 7}


def test_places_of_a_pretraining_set_are_the_patches_middles(packed: object) -> None:
    from pipeline.manifest.index import MATCH_COLUMNS, index_table, write_index
    from pipeline.parts import to_table
    from pipeline.schema.records import LabelShare, Location, SeasonMatch, StoreRow

    run, places = packed.run, packed.locations  # type: ignore[attr-defined]
    grids = [patch_grid(place.lon_deg, place.lat_deg) for place in places]
    moved = [type(p)(p.location_id, p.lon_deg, p.lat_deg, g) for p, g in zip(places, grids, strict=True)]
    shares = [LabelShare(q.location_id, q.dw_valid_share) for q in packed.quality]  # type: ignore[attr-defined]
    tables = [to_table(StoreRow, packed.rows), to_table(Location, moved)]  # type: ignore[attr-defined]
    matches = to_table(SeasonMatch, packed.matches).select(list(MATCH_COLUMNS))  # type: ignore[attr-defined]
    write_index(run.index, index_table("store/nol.zarr", *tables, matches, to_table(LabelShare, shares)))
    found = {place.location_id: place.centre for place in read_places(run.root)}
    for place in places:
        assert found[place.location_id] == pytest.approx((place.lon_deg, place.lat_deg), abs=1e-3)
    with pytest.raises(UsageError, match="no set of expert tiles"):
        read_built_tiles(run.root)


def test_what_is_not_there_is_told(tmp_path: Path, make_dw_run: Callable[..., RunLayout]) -> None:
    with pytest.raises(UsageError, match="holds no finished data set"):
        read_built_tiles(tmp_path)
    run = make_dw_run(tmp_path / "dw", {"dw_b": (7.0, 46.0)}, {})
    found = read_built_tiles(run.root)
    for chunk in (run.store("dw_train") / "dw" / "c").rglob("0"):
        if chunk.is_file():
            chunk.write_bytes(b"damaged")
    with pytest.raises(NoldoError, match="row 0 cannot be read"):
        found.dw(found.tiles[0])
    rows = pq.read_table(run.index)
    pq.write_table(rows.set_column(rows.schema.get_field_index("epsg"), "epsg", [[0]]), run.index)
    with pytest.raises(UsageError, match="1 tiles, such as dw_b, do not say where they lie"):
        read_built_tiles(run.root)
    pq.write_table(rows, run.index)
    (run.manifest / "provenance.json").unlink()
    with pytest.raises(UsageError, match="no finished set"):
        read_built_tiles(run.root)
    run.index.write_bytes(b"PAR1 not")
    with pytest.raises(UsageError, match="cannot be read"):
        read_built_tiles(run.root)
