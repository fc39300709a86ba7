"""Two releases are compared by their manifests, and pixels are read only where these differ."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zarr

from pipeline.content import row_digest
from pipeline.manifest.digest_table import DIGESTS_FILE, ArrayDigests, write_digests
from pipeline.manifest.drift import Drift, compare
from pipeline.manifest.drift_lines import drift_lines
from pipeline.manifest.drift_locations import ArrayChange, LocationDrift, SceneChange
from pipeline.manifest.drift_side import open_side
from pipeline.schema.layout import RunLayout

PX = 24


def redigest(run: RunLayout) -> None:
    """Write the digests of what the store holds now."""
    arrays = dict(zarr.open_group(run.store("nol"), mode="r").arrays())
    found = [
        ArrayDigests.of("store/nol.zarr", name, [row_digest(np.asarray(array[r])) for r in range(array.shape[0])], 2)
        for name, array in arrays.items()
    ]
    write_digests(run.manifest / DIGESTS_FILE, found)


@pytest.fixture
def releases(ours: Any, tmp_path: Path) -> tuple[RunLayout, RunLayout]:
    """Two copies of the run of five locations, each with its digests; the second is to be changed."""
    for name in ("old", "new"):
        shutil.copytree(ours.run.root / "manifest", tmp_path / name / "manifest")
        shutil.copytree(ours.run.root / "store", tmp_path / name / "store")
        redigest(RunLayout(tmp_path / name))
    return RunLayout(tmp_path / "old"), RunLayout(tmp_path / "new")


@pytest.fixture
def drift(releases: tuple[RunLayout, RunLayout]) -> Callable[..., Drift]:
    return lambda **options: compare(*(open_side(run.root) for run in releases), **options)


def change(run: RunLayout, array: str, edit: Callable[[Any], Any]) -> None:
    stored: Any = zarr.open_group(run.store("nol"), mode="r+")[array]
    stored[:] = edit(np.asarray(stored[:]))
    redigest(run)


def test_releases_of_the_same_content_are_told_so_without_reading_a_pixel(
    drift: Callable[..., Drift], releases: tuple[RunLayout, RunLayout]
) -> None:
    found = drift()
    assert (found.differs_in, found.pixel_locations, found.locations) == ((), 0, ())
    shutil.rmtree(releases[1].store("nol"))
    again = drift()
    assert again.differs_in == (), "no store is opened"
    lines = drift_lines(again)
    assert "digests    s2: all 5 locations the same" in lines
    assert lines[-1] == "the same in all that could be compared"
    assert drift(reread=True).differs_in == ("assets",), "unless all is to be read"


def test_an_index_that_says_something_else_of_the_same_pixels_is_told(
    drift: Callable[..., Drift], releases: tuple[RunLayout, RunLayout]
) -> None:
    index = pd.read_parquet(releases[1].index)
    at = index.index[(index["location_id"] == index["location_id"].iloc[-1]) & (index["season"] == 2)]
    location_id, before = index.loc[at[0], ["location_id", "cloud_pct"]]
    index.loc[at, "cloud_pct"] = 99.5
    index.loc[index.index[0], "label_valid_frac"] = None
    index.to_parquet(releases[1].index)
    found = drift()
    assert found.differs_in == ("index",)
    clouds, shares = (one for one in found.columns if one.column in ("cloud_pct", "label_valid_frac"))
    assert (clouds.same, clouds.other, clouds.seasons) == (len(index) - 1, 1, ((2, 1),))
    assert clouds.examples == ((location_id, 2, str(before), "99.5"),)
    assert (shares.same, shares.other) == (len(index) - 1, 0), "what one side does not tell is not compared"
    (line,) = (line for line in drift_lines(found) if line.startswith("index"))
    assert line.endswith(f"1 of {len(index)} differ, the first {location_id}, season 2: {before} -> 99.5")


def test_pixels_are_read_where_digests_differ_and_each_season_gets_its_share(
    drift: Callable[..., Drift], releases: tuple[RunLayout, RunLayout], ours: Any
) -> None:
    def edit(labels: Any) -> Any:
        labels[3, 1, 5, :6] = (labels[3, 1, 5, :6] + 1) % 9
        labels[3, 2, 7:9] = (labels[3, 2, 7:9] + 1) % 9
        labels[0, 0, 8, 8] = (labels[0, 0, 8, 8] + 1) % 9
        return labels

    change(releases[1], "dw", edit)
    found = drift()
    ids = {row.row: row.location_id for row in ours.rows}
    assert found.differs_in == ("pixels", "labels")
    assert (found.pixel_locations, found.labels[0].both - found.labels[0].equal) == (2, 6 + 2 * PX + 1)
    changed = {one.location_id: one.arrays for one in found.locations}
    assert changed == {
        ids[0]: (ArrayChange("dw", ((0, 1 / PX**2),)),),
        ids[3]: (ArrayChange("dw", ((1, 6 / PX**2), (2, 2 / PX))),),
    }
    text = "\n".join(drift_lines(found))
    assert "digests    dw: 2 of 5 locations differ" in text
    assert f"{ids[3]}: dw season 1 1.042 % of pixels, season 2 8.333 % of pixels" in text
    plain = json.loads(json.dumps(found.as_json()))
    assert plain["locations"][0]["arrays"][0]["array"] == "dw"


def test_without_a_store_digests_still_say_which_locations_differ(
    drift: Callable[..., Drift], releases: tuple[RunLayout, RunLayout], ours: Any
) -> None:
    change(releases[1], "s1", lambda values: np.where(np.arange(5)[:, None, None, None, None] == 2, 0, values))
    for run in releases:
        shutil.rmtree(run.root / "store")
    found = drift()
    assert found.differs_in == ("pixels",)
    name = next(row.location_id for row in ours.rows if row.row == 2)
    assert found.locations == (LocationDrift(name, (), (), (), (ArrayChange("s1", ()),)),)
    assert any(line.startswith("pixels     not compared") for line in drift_lines(found))


def test_rows_in_another_order_have_moved_and_differ_in_nothing(
    drift: Callable[..., Drift], releases: tuple[RunLayout, RunLayout]
) -> None:
    order = [3, 0, 4, 2, 1]
    for name in ("s2", "s1", "dw"):
        change(releases[1], name, lambda values: values[order])
    index = pd.read_parquet(releases[1].index)
    index["row"] = index["row"].map({old: new for new, old in enumerate(order)})
    index.to_parquet(releases[1].index)
    found = drift()
    assert (found.differs_in, found.pixel_locations) == ((), 0)
    assert found.rows is not None
    assert {(one.same, one.moved) for one in found.rows} == {(5, 5)}
    assert "digests    dw: all 5 locations the same; 5 only moved to another row" in drift_lines(found)


def test_scenes_baselines_ground_and_locations_are_told_by_season(
    drift: Callable[..., Drift], releases: tuple[RunLayout, RunLayout], ours: Any
) -> None:
    ids = sorted(row.location_id for row in ours.rows)
    index = pd.read_parquet(releases[1].index)
    first = index["location_id"] == ids[0]
    index.loc[first & (index["season"] == 2), "s1_id"] = "COPERNICUS/S1_GRD/another"
    index.loc[index["season"] == 1, "processing_baseline"] = "05.00"
    index.loc[first & (index["season"] == 3), "epsg"] = 32601
    index.loc[index["location_id"] == ids[4], "location_id"] = "stranger"
    index.to_parquet(releases[1].index)
    found = drift()
    assert found.differs_in == ("ids", "scenes", "baselines", "grids")
    assert (found.ids.missing, found.ids.extra) == (("stranger",), (ids[4],))
    seasons = {one.season: one for one in found.seasons}
    assert [(s, one.baselines_same, one.baselines_other) for s, one in seasons.items()] == [
        (0, 4, 0), (1, 0, 4), (2, 4, 0), (3, 4, 0),
    ]  # fmt: skip
    assert seasons[1].baseline_changes == (("02.08", "05.00", 4),)
    assert (seasons[3].grids.moved, seasons[3].grids.same, seasons[0].grids.same) == (1, 3, 4)
    one = next(one for one in found.locations if one.location_id == ids[0])
    ours_scene = next(m.s1_id for m in ours.matches if (m.location_id, m.season) == (ids[0], 2))
    assert one.scenes == (SceneChange(2, "S1", ours_scene, "COPERNICUS/S1_GRD/another"),)
    assert (one.baselines, one.grids) == (((1, "02.08", "05.00"),), (3,))
    lines = drift_lines(found)
    assert "baselines  season 1: 4 of 4 differ: 4 02.08 -> 05.00" in lines
    assert f"           {ids[0]}: scene 2 S1; baseline 1 02.08 -> 05.00; ground of season 3" in lines


def test_recipe_keys_are_told_with_both_values(
    drift: Callable[..., Drift], releases: tuple[RunLayout, RunLayout]
) -> None:
    path = releases[1].manifest / "provenance.json"
    provenance = json.loads(path.read_text())
    provenance["recipe"]["store"]["shard_rows"] = 4
    provenance["content_digest"]["dataset"] = "sha256:00"
    path.write_text(json.dumps(provenance))
    found = drift()
    assert found.differs_in == ("recipe",)
    lines = drift_lines(found)
    assert "recipe     store.shard_rows: 2 -> 4" in lines
    assert any(line.startswith("content    sha256:") and line.endswith("-> sha256:00") for line in lines)
