import json
from pathlib import Path

import pytest
import zarr

from pipeline.scaling import StoreScaling
from pipeline.schema.bands import S1_BANDS, S2_BANDS, S2_SCALING, Scaling
from pipeline.store_arrays import ARRAY_NAMES, LEVELS, Codec, create_arrays, stored_scaling

LAYOUT = {
    "s2": (("location", "season", "s2_band", "y", "x"), (4, 13, 264, 264), (1, 1, 13, 264, 264), 0),
    "s1": (("location", "season", "s1_band", "y", "x"), (4, 2, 264, 264), (1, 1, 2, 264, 264), 0),
    "dw": (("location", "season", "y", "x"), (4, 264, 264), (1, 4, 264, 264), 255),
    "dw_prob": (("location", "season", "dw_class", "y", "x"), (4, 9, 264, 264), (1, 1, 9, 264, 264), 0),
}
"""The layout that users and the training loader rely on: dimensions, row, inner chunk, fill."""


@pytest.mark.parametrize("codec", LEVELS)
def test_the_store_layout_is_as_promised(tmp_path: Path, codec: Codec) -> None:
    create_arrays(zarr.create_group(tmp_path), n_rows=40, patch_px=264, shard_rows=16, codec=codec, probabilities=True)
    for name, (dimensions, row, chunk, fill) in LAYOUT.items():
        plain = json.loads((tmp_path / name / "zarr.json").read_text())
        assert (plain["zarr_format"], plain["data_type"], plain["fill_value"]) == (3, "uint8", fill)
        assert tuple(plain["dimension_names"]) == dimensions
        assert tuple(plain["shape"]) == (40, *row)
        assert tuple(plain["chunk_grid"]["configuration"]["chunk_shape"]) == (16, *row)
        (sharding,) = plain["codecs"]
        assert sharding["name"] == "sharding_indexed"
        assert tuple(sharding["configuration"]["chunk_shape"]) == chunk
        inner = sharding["configuration"]["codecs"]
        assert [c["name"] for c in inner] == ["bytes", "blosc", "crc32c"]
        expected = "lz4hc" if (name, codec) == ("dw", "lz4") else codec  # labels are searched harder
        assert (inner[1]["configuration"]["cname"], inner[1]["configuration"]["shuffle"]) == (expected, "noshuffle")
        assert [c["name"] for c in sharding["configuration"]["index_codecs"]] == ["bytes", "crc32c"]


def test_attributes_let_a_reader_understand_the_values(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path)
    create_arrays(group, n_rows=1, patch_px=8, shard_rows=1, codec="lz4", probabilities=True)
    attributes = {n: json.loads((tmp_path / n / "zarr.json").read_text())["attributes"] for n in LAYOUT}
    assert all(a["units"] == "1" and a["long_name"] for a in attributes.values())
    assert attributes["s2"]["bands"] == list(S2_BANDS)
    assert attributes["s2"]["scaling"]["mean"] == list(S2_SCALING.mean)
    assert attributes["s1"]["scaling"]["raw_units"] == "dB"
    assert attributes["dw"]["flag_values"] == list(range(9))
    assert len(attributes["dw"]["flag_meanings"].split()) == 9
    assert attributes["dw"]["_FillValue"] == 255
    assert attributes["dw_prob"]["classes"] == attributes["dw"]["flag_meanings"].split()
    assert 255 * attributes["dw_prob"]["scale_factor"] == 1.0


def test_the_attributes_state_the_scaling_that_was_used_to_the_bit(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path)
    third = Scaling(S1_BANDS, (-1 / 3, -2 / 3), (0.1, 0.7), 1.1, source="own")
    scaling = StoreScaling(S2_SCALING, third)
    create_arrays(group, n_rows=1, patch_px=8, shard_rows=1, codec="lz4", scaling=scaling)
    assert stored_scaling(dict(zarr.open_group(tmp_path, mode="r").arrays())) == scaling
    stated = group["s1"].attrs["scaling"]
    assert stated["source"] == "own"


def test_probabilities_are_there_only_where_asked_for(tmp_path: Path) -> None:
    create_arrays(zarr.create_group(tmp_path), n_rows=1, patch_px=8, shard_rows=1, codec="lz4")
    assert set(zarr.open_group(tmp_path, mode="r").array_keys()) == set(ARRAY_NAMES)
