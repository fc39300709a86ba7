from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zarr

from pipeline.files import file_sizes, zarr_store
from pipeline.freed import free_packed
from pipeline.pack import (
    StoreSettings,
    commit_store,
    create_store,
    missing_shards,
    pack_shard,
    shard_rows,
    store_inputs,
)
from pipeline.schema.layout import RunLayout
from pipeline.staging import tile_rows

TWO = StoreSettings(shard_rows=2)


@pytest.mark.timeout(180)
def test_a_store_in_object_storage_counts_once_its_marker_is_there(
    tmp_path: Path, make_packed: Callable[..., Any], bucket: Any
) -> None:
    root = bucket()
    packed, remote = (make_packed(place, count=3, part_locations=3) for place in (tmp_path, root))
    assert remote.store_digest == packed.store_digest
    assert remote.shards == packed.shards
    wanted = file_sizes(packed.store)
    assert file_sizes(remote.store) == wanted
    # Begun anew, it is built in its place, and is no store until it is finished.
    building = create_store(remote.store, 3, TWO, "next", patch_px=24)
    assert building == remote.store
    assert store_inputs(remote.store) is None
    shards = [pack_shard(building, 1, shard_rows(remote.rows, 1, TWO), remote.run.tile, TWO)]
    assert create_store(remote.store, 3, TWO, "next", patch_px=24) == building
    assert missing_shards(building, 2) == [0]
    shards.append(pack_shard(building, 0, shard_rows(remote.rows, 0, TWO), remote.run.tile, TWO))
    assert commit_store(remote.store, shards) == packed.store_digest
    assert store_inputs(remote.store) == "next"
    group = zarr.open_group(zarr_store(remote.store), mode="r")
    assert set(group.group_keys()) == {"statistics"}
    free_packed(RunLayout(root), remote.rows)
    assert tile_rows(remote.run.tile(0)).present == frozenset()
