"""Every source asset once, as pandas counts them."""

from typing import Any

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.manifest.assets import asset_table
from pipeline.manifest.index import SCHEMA


def test_every_asset_is_there_once_with_its_rows(ours: Any) -> None:
    index = gpd.read_parquet(ours.run.index)
    assets = pq.read_table(ours.run.manifest / "assets.parquet").to_pandas()
    assert list(assets["sensor"].unique()) == ["S2", "S1", "DW"]
    for sensor, column in (("S2", "s2_id"), ("S1", "s1_id"), ("DW", "dw_id")):
        own = assets[assets["sensor"] == sensor]
        assert own.set_index("asset_id")["rows"].to_dict() == index[column].value_counts().to_dict()
        assert own["asset_id"].is_monotonic_increasing
        collections = {"S2": "COPERNICUS/S2_HARMONIZED", "S1": "COPERNICUS/S1_GRD", "DW": "GOOGLE/DYNAMICWORLD/V1"}
        assert set(own["collection"]) == {collections[sensor]}
        assert own["processing_baseline"].isna().all() == (sensor != "S2")
    times = index.drop_duplicates("s1_id").set_index("s1_id")["s1_datetime"]
    radar = assets[assets["sensor"] == "S1"].set_index("asset_id")["datetime"]
    assert radar.equals(times.loc[radar.index].rename("datetime").rename_axis("asset_id"))


def test_rows_of_files_that_name_no_scene_have_no_asset() -> None:
    nothing = pa.table([pa.nulls(3, kind) for kind in SCHEMA.types], schema=SCHEMA)
    assert asset_table(nothing).num_rows == 0
    bare = nothing.set_column(5, SCHEMA.field("s2_id"), pa.array(["S2A_X", None, "S2A_X"]))
    (row,) = asset_table(bare).to_pylist()
    assert (row["asset_id"], row["collection"], row["sensor"], row["rows"]) == ("S2A_X", None, "S2", 2)
