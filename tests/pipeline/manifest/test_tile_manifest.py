import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import zarr
from pandas.testing import assert_frame_equal

from pipeline.content import row_digest
from pipeline.funnel_step import FunnelStep
from pipeline.manifest.checksums import verify_checksums
from pipeline.manifest.digest import content_digest, digest_run
from pipeline.manifest.digest_table import read_digests
from pipeline.manifest.made_from import Dropped
from pipeline.manifest.tile_manifest import write_tile_manifest
from pipeline.manifest.tile_sets import DW_SET, OSM_SET
from pipeline.manifest.write import ManifestRecord, is_written
from pipeline.parts import read_part, write_part
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.tiles import DroppedTile, TilePair

PROVENANCE = {"inputs": "manifest-inputs", "recipe": {"source": {"kind": "emulator"}}, "recipe_digest": "r"}

PAIR = TilePair("train_0", s2_id="S2/a", s2_time=datetime(2020, 1, 2, tzinfo=UTC), s1_id="S1/b", s1_relative_orbit=7)

FUNNEL = [FunnelStep("tiles", 6, 6, ()), FunnelStep("pair", 6, 5, (("no S2 scene", 1),))]

DROPPED = DroppedTile("train_9", "train", "pair", "no S2 scene", "none in 15 days")


def describe(made: Any, **changed: Any) -> ManifestRecord:
    arguments = {"pairs": [PAIR], "dropped": [DROPPED], "funnel": FUNNEL, "provenance": PROVENANCE} | changed
    return write_tile_manifest(made.run, DW_SET, made.stores, made.tables, **arguments)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory, make_packed_tiles: Any) -> Any:
    made = make_packed_tiles(tmp_path_factory.mktemp("tiles"))
    return made, describe(made)


def test_what_is_written_is_what_a_reader_finds(described: Any) -> None:
    made, record = described
    found = digest_run(made.run)
    assert found.dataset == record.dataset_digest
    assert (found.rows, record.locations) == (5, 5)
    stated = json.loads((made.run.manifest / "provenance.json").read_text())
    assert stated["content_digest"] == found.as_json()
    assert verify_checksums(made.run).ok
    assert verify_checksums(made.run).checked == record.files
    assert is_written(made.run, "manifest-inputs")
    assert not is_written(made.run, "others")
    dropped = read_part(made.run.manifest / "dropped.parquet", Dropped)
    assert dropped == [Dropped("train_9", "train", "pair", "no S2 scene", "none in 15 days")]
    funnel = json.loads((made.run.manifest / "funnel.json").read_text())
    assert funnel["steps"][1]["dropped"] == {"no S2 scene": 1}


def test_every_split_has_an_index_of_its_own(described: Any) -> None:
    made, _ = described
    whole = gpd.read_parquet(made.run.index)
    for split in ("train", "test"):
        own = gpd.read_parquet(made.run.manifest / f"index-{split}.parquet")
        assert_frame_equal(own, whole[whole["split"] == split].reset_index(drop=True))


def test_every_row_has_its_digest(described: Any) -> None:
    made, _ = described
    table = read_digests(made.run.manifest / "digests.parquet")
    assert table.problems == ()
    for store in made.stores:
        path = f"store/{store.name}.zarr"
        for name, array in zarr.open_group(made.run.root / path, mode="r").arrays():
            found = table.of(path, name)
            assert [found.row(at) for at in range(len(store.rows))] == [row_digest(row) for row in array[:]]
            assert found.shard.tolist() == [at // 2 for at in range(len(store.rows))]


def test_the_index_says_where_every_row_lies(described: Any) -> None:
    made, _ = described
    index = gpd.read_parquet(made.run.index)
    assert len(index) == 5
    for row in index.itertuples():
        group = zarr.open_group(made.run.root / row.store, mode="r")
        assert int(group["epsg"][row.row]) == row.epsg
        assert list(group["geotransform"][row.row]) == list(row.geotransform)
        assert row.label_valid_frac == pytest.approx((group["ignore"][row.row] == 0).mean())
        assert (row.season, row.label_source, row.split) == (0, "dynamic_world_experts", row.location_id.split("_")[0])
        assert row.geometry.is_valid
    scenes = index.set_index("location_id")
    assert scenes.loc["train_0", "s2_id"] == "S2/a"
    assert scenes.loc["train_0", "s1_relative_orbit"] == 7
    assert index["s2_id"].isna().sum() == 4


def test_statistics_and_card_tell_of_both_stores(described: Any) -> None:
    made, _ = described
    statistics = json.loads((made.run.manifest / "statistics.json").read_text())
    assert {name: store["tiles"] for name, store in statistics.items()} == {"dw_train": 3, "dw_test": 2}
    for name, store in statistics.items():
        group = zarr.open_group(made.run.store(name), mode="r")
        assert store["labelled_pixels"] == int((group["ignore"][:] == 0).sum())
        assert store["label_pixels"] == group.attrs["class_count"]
        assert store["s2"][0]["lowest"] >= 1
        seen = [values[values > 0] for values in np.moveaxis(group["s2"][:], 1, 0)]
        for band, values in zip(store["s2"], seen, strict=True):
            assert band["mean"] == pytest.approx(values.mean(), rel=1e-7)
            assert band["percentiles"]["50"] == pytest.approx(np.percentile(values, 50), abs=30)
    card = (made.run.manifest / "README.md").read_text()
    for text in ("store/dw_train.zarr", "store/dw_test.zarr", "2 grass", "no satellite data"):
        assert text in card


def test_terms_are_those_of_the_labels_owners(tmp_path: Path, make_packed_tiles: Any) -> None:
    made = make_packed_tiles(tmp_path, labels=("dw", "osm"))
    recipe = {
        "inputs": "i",
        "recipe": {"tiles": "dw"},
        "source": {"kind": "import", "file": "x.zip"},
        "recipe_digest": "r",
    }
    write_part(made.run.table("agreement", 0), TilePair, [PAIR], "i")
    write_tile_manifest(
        made.run,
        OSM_SET,
        made.stores,
        made.tables,
        pairs=(),
        dropped=(),
        funnel=(),
        provenance=recipe,
        copied=("agreement",),
    )
    told = "".join((made.run.manifest / name).read_text() for name in ("README.md", "LICENSES.md"))
    for text in ("ODbL", "OpenStreetMap contributors", "CC BY 4.0", "13 coastal wetlands", "Imported:"):
        assert text in told
    assert read_part(made.run.manifest / "agreement.parquet", TilePair) == [PAIR]


def test_every_store_counts_in_the_digest(tmp_path: Path, described: Any) -> None:
    made, record = described
    shutil.copytree(made.run.root, tmp_path / "copy")
    run = type(made.run)(tmp_path / "copy")
    group = zarr.open_group(run.store("dw_test"), mode="r+")
    group["dw"][0, 0, 0] = 254
    found = digest_run(run)
    assert found.dataset != record.dataset_digest
    before = dict(digest_run(made.run).arrays)
    assert [name for name, value in found.arrays if before[name] != value] == ["dw_test/dw"]
    assert digest_run(run, "dw_train").store == content_digest(made.run.store("dw_train"), None).store
    shutil.copytree(run.store("dw_train"), run.store("stray"))
    with pytest.raises(UsageError, match="the index names dw_test, dw_train, found dw_test, dw_train, stray"):
        digest_run(run)


def test_a_store_that_is_another_is_not_described(tmp_path: Path, described: Any) -> None:
    made, _ = described
    shutil.copytree(made.run.root, tmp_path / "copy")
    copy = replace(made, run=type(made.run)(tmp_path / "copy"))
    before = (copy.run.manifest / "README.md").read_bytes()
    zarr.open_group(copy.run.store("dw_train"), mode="r+").attrs["content_digest"] = "sha256:other"
    with pytest.raises(NoldoError, match="carries the content digest sha256:other"):
        describe(copy)
    assert (copy.run.manifest / "README.md").read_bytes() == before
